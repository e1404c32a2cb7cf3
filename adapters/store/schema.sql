-- The read model. Events and the offsets they were read up to change in one transaction; nothing here is a source of truth.

create table if not exists positions (
    topic text not null,
    partition integer not null,
    next_offset integer not null,
    at_ms integer not null,
    primary key (topic, partition)
) without rowid;

-- When `observe` last looked: what is shown says how old it is.
create table if not exists looked (
    id integer primary key check (id = 1),
    at_ms integer not null
);

-- Every event of every topic: where it stands, and what it is about. The bytes stay in the log.
create table if not exists events (
    topic text not null,
    partition integer not null,
    offset integer not null,
    at_ms integer not null,
    type text not null,
    connection text not null,
    document text not null,
    number text not null,
    subject text not null,
    primary key (topic, partition, offset)
) without rowid;
create index if not exists events_by_document on events (connection, document);
create index if not exists events_by_number on events (number) where number <> '';

-- What Zuora says a document is, newest version.
create table if not exists documents (
    connection text not null,
    document text not null,
    number text not null,
    currency text not null,
    value text not null,
    primary key (connection, document)
) without rowid;
create index if not exists documents_by_number on documents (number);

-- Where a document (read, match, ledger) or a posting (sink) stands.
create table if not exists standings (
    connection text not null,
    stage text not null,
    subject text not null,
    document text not null,
    number text not null,
    status text not null,
    rule text not null,
    message text not null,
    next_step text not null,
    blocked_by text not null,
    currency text not null,
    value text not null,
    said text not null, -- messages of QAD, a JSON list
    account text not null, -- id of the billing account for which it stands still, if it is for one
    since_ms integer not null,
    origin integer not null,
    primary key (connection, stage, subject)
) without rowid;
create index if not exists standings_by_status on standings (status, connection);

create table if not exists dead_letters (
    connection text not null,
    topic text not null,
    offset integer not null,
    stage text not null,
    reason text not null,
    next_step text not null,
    at_ms integer not null,
    -- Offset of the letter itself where what it holds never stood in a topic; 0 where `offset` names it.
    letter integer not null,
    primary key (connection, topic, offset, stage, letter)
) without rowid;

-- Dead letters whose bytes stand in their topic again; a table of its own, since topics are read in no order.
create table if not exists put_back (
    connection text not null,
    topic text not null,
    offset integer not null,
    primary key (connection, topic, offset)
) without rowid;

-- What the rolling re-read of each kind has proved and found, as it last said it.
create table if not exists rereads (
    connection text not null,
    kind text not null,
    event blob not null,
    primary key (connection, kind)
) without rowid;

-- What each posting uses of QAD's reference data, and whether it is still to be posted, newest content.
create table if not exists postings (
    connection text not null,
    posting text not null,
    document text not null,
    currency text not null,
    total text not null,
    day text not null, -- its posting date
    pending integer not null,
    primary key (connection, posting)
) without rowid;
create index if not exists postings_by_day on postings (connection, day);
create index if not exists postings_pending on postings (connection, day) where pending;

create table if not exists uses (
    connection text not null,
    posting text not null,
    use text not null, -- kind:code of a reference
    primary key (connection, posting, use)
) without rowid;
create index if not exists uses_by_use on uses (connection, use);

-- QAD's reference data as last shown, by the partition of its connection; of a customer its code and flags alone.
create table if not exists shown (
    partition integer not null,
    kind text not null,
    code text not null,
    event blob not null,
    primary key (partition, kind, code)
) without rowid;

-- The newest mapping of each connection.
create table if not exists published (
    connection text not null,
    event blob not null,
    primary key (connection)
) without rowid;
