"""What people do while traffic runs, and do twice: keys rotated, dead letters put back, the whole log replayed."""

import asyncio
from collections import Counter
from collections.abc import Collection

from adapters.kafka.cluster import started
from adapters.kafka.reader import read_whole
from adapters.store.readmodel import ReadModel
from console.replaying import plan_replay, replay_stage
from schemas.codec import encode
from schemas.deadletters import DeadLetter
from schemas.events import read_dead_letter
from schemas.topics import Topic
from tests.faults.places import Place
from tests.faults.poison import POISON
from tests.faults.scenario import Scenario, Trial

# A topic's name and an offset in the partition of a connection.
Where = tuple[str, int]
_REPLAYED = ("match", "ledger", "sink")
# So often, 2 s apart, is looked whether a replayed log has been read again.
_READ_AGAIN_LOOKS = 120


async def keys_rotated(trial: Trial) -> None:
    """Rotate the key that seals the credentials while traffic runs; everything that starts anew reads them.

    No call fails for want of a credential meanwhile, and each old key is dropped.
    """
    product, crew = trial.installation.product, trial.installation.crew
    since = {place.name: place.qad.installation.log.count for place in trial.installation.places}
    for _ in range(2 * trial.rounds):
        await asyncio.sleep(3)
        await product.command("keys", "rotate", "--yes")
        checked = await product.ask("keys", "check")
        trial.findings.extend(checked["problems"])
        for old in [use["id"] for use in checked["keys"] if not use["active"]]:
            await product.command("keys", "drop", old, "--yes")
            trial.fired["dropped"] += 1
        trial.fired["rotated"] += 1
        for name in ("sink-0", "poll"):
            trial.fired["SIGKILL"] += crew[name].kill()
    await asyncio.sleep(5)
    turned_away = [
        f"{place.name}: {call.status} {call.path}"
        for place in trial.installation.places
        for call in place.qad.control.requests(after=since[place.name], limit=1_000_000)
        if call.status in (401, 403) or (call.kind == "token" and call.status >= 400)
    ]
    if turned_away:
        trial.findings.append(f"{len(turned_away)} calls were turned away for their credentials: {turned_away[:3]}")


async def letters_put_back(trial: Trial) -> None:
    """Put dead letters back twice: each that is still bad returns as one new letter, and each is put back once.

    One of them is good by now: a letter about a record that was decided long ago stands for what was mended meanwhile.
    It comes back as no letter, and nothing new comes into QAD.
    """
    place = trial.installation.places[0]
    bad = await _spoilt(trial, place)
    good = await _mended(trial, place)
    names = {f"{topic}@{offset}" for topic, offset in (*bad, good)}
    trial.fired["dead letters"] += len(bad)
    seen = await _letters(trial, place)
    first = await _put_back(trial, place, names)
    if set(first) != names:
        trial.findings.append(f"of {sorted(names)} only {sorted(first)} were put back")
    await _hold_returned(trial, place, bad, first, since=seen)
    # The same names once more: each has been put back, and nothing happens.
    seen = await _letters(trial, place)
    if again := await _put_back(trial, place, names):
        trial.findings.append(f"{sorted(again)} were put back a second time")
    # What came back is a letter of its own, and can be put back as well.
    returned = {(topic, first[f"{topic}@{offset}"]): value for (topic, offset), value in bad.items()}
    second = await _put_back(trial, place, {f"{topic}@{offset}" for topic, offset in returned})
    await _hold_returned(trial, place, returned, second, since=seen)
    there = await _letters(trial, place)
    await asyncio.sleep(8)
    if await _letters(trial, place) != there:
        trial.findings.append("dead letters that were put back go round in a loop")


async def _spoilt(trial: Trial, place: Place) -> dict[Where, bytes]:
    """Put what nobody can read into two topics; return it when there is a letter of each."""
    installation = trial.installation
    cluster, partition = installation.cluster, installation.partitions[place.name]
    bad: dict[Where, bytes] = {}
    async with started(cluster.producer(), cluster) as producer:
        for topic in (Topic.RECORDS, Topic.POSTINGS):
            value = b"\x00 spoilt " + topic.encode()
            sent = await producer.send_and_wait(cluster.name(topic), value, key=b"spoilt", partition=partition)
            bad[topic.value, sent.offset] = value
    await _until_letters(trial, place, bad)
    return bad


async def _mended(trial: Trial, place: Place) -> Where:
    """Write a dead letter about a record that can be read; return where that stands."""
    installation = trial.installation
    cluster, partition = installation.cluster, installation.partitions[place.name]
    record = (await read_whole(cluster, partition, [Topic.RECORDS]))[0]
    letter = DeadLetter(
        connection=place.name,
        topic=Topic.RECORDS,
        offset=record.offset,
        at_ms=record.timestamp_ms,
        stage="match",
        reason="a test: it is mended by now",
        next_step="Put it back.",
        key=record.key,
        value=record.value,
    )
    async with started(cluster.producer(), cluster) as producer:
        name = cluster.name(Topic.DEAD_LETTERS)
        await producer.send_and_wait(name, encode(letter), key=record.key, partition=partition)
    return letter.topic, letter.offset


async def _put_back(trial: Trial, place: Place, names: set[str]) -> dict[str, int]:
    """Put letters back by name; return where each stands again that was."""
    words = ("deadletters", "put-back", *sorted(names), "-c", place.name, "--why", "a test", "--yes")
    said = await trial.installation.product.ask(*words)
    put_back = {f"{one['topic']}@{one['offset']}": one["again_at"] for one in said["put_back"]}
    trial.fired["put back"] += len(put_back)
    return put_back


async def _hold_returned(
    trial: Trial, place: Place, bad: dict[Where, bytes], put_back: dict[str, int], *, since: Counter[Where]
) -> None:
    """Hold that each bad letter that was put back returned as exactly one new letter with its bytes, and no other."""
    wanted = {
        (topic, put_back[name]): value
        for (topic, offset), value in bad.items()
        if (name := f"{topic}@{offset}") in put_back
    }
    await _until_letters(trial, place, wanted)
    # A second one of the same would come at once.
    await asyncio.sleep(4)
    new = await _letters(trial, place) - since
    if new != Counter(dict.fromkeys(wanted, 1)):
        trial.findings.append(f"put back were {sorted(wanted)}, and the new letters are {dict(new)}")
    for letter in await _read(trial, place):
        where = (letter.topic, letter.offset)
        if where in wanted and letter.value != wanted[where]:
            trial.findings.append(f"the letter of {where} has other bytes than were put back")
    trial.fired["returned as one new letter"] += sum(new[where] == 1 for where in wanted)


async def _until_letters(trial: Trial, place: Place, wanted: Collection[Where]) -> None:
    """Wait until there is a letter of each, for half a minute; whoever counts them says what is missing."""
    for _ in range(30):
        if set(wanted) <= set(await _letters(trial, place)):
            return
        await asyncio.sleep(1)


async def _letters(trial: Trial, place: Place) -> Counter[Where]:
    """Return how many dead letters there are of what stands where, but for what another script put there."""
    return Counter((one.topic, one.offset) for one in await _read(trial, place) if one.key != POISON)


async def _read(trial: Trial, place: Place) -> list[DeadLetter]:
    installation = trial.installation
    records = await read_whole(installation.cluster, installation.partitions[place.name], [Topic.DEAD_LETTERS])
    return [read_dead_letter(record.value) for record in records]


async def log_replayed(trial: Trial) -> None:
    """Replay the whole log of every stage that decides or posts twice, for every connection: QAD gets nothing new."""
    installation = trial.installation
    await asyncio.sleep(10)
    for number in range(2):
        # The workers' places in the groups outlive them by a session; a replay wants the group empty.
        await asyncio.gather(*(process.leave() for stage in _REPLAYED for process in installation.crew.of(stage)))
        await asyncio.sleep(12)
        before = sum(len(place.ledger.documents) for place in installation.places)
        with ReadModel(installation.wiring.data / "readmodel.sqlite") as model:
            for stage in _REPLAYED:
                for place in installation.places:
                    plan = await plan_replay(installation.wiring, model, stage=stage, connection=place.name, since="0")
                    await replay_stage(installation.wiring, plan, by="a test", why="a test")
                    trial.fired["replayed"] += 1
        began = asyncio.get_running_loop().time()
        installation.crew.start()
        await _until_read_again(trial)
        trial.figures[f"read again in, pass {number + 1}"] = f"{asyncio.get_running_loop().time() - began:.0f} s"
        # What a stage made anew of its last input would come to the next one by then.
        await asyncio.sleep(5)
        after = sum(len(place.ledger.documents) for place in installation.places)
        trial.figures[f"new documents, pass {number + 1}"] = str(after - before)
        if after != before:
            trial.findings.append(f"{after - before} new documents after a replay")


async def _until_read_again(trial: Trial) -> None:
    """Wait until every stage that was replayed has acknowledged all of its log again."""
    for _ in range(_READ_AGAIN_LOOKS):
        lags = (await trial.installation.product.ask("lag"))["stages"]
        behind = sum(one["records"] for one in lags if one["stage"] in _REPLAYED)
        if not behind:
            trial.fired["whole log acknowledged again"] += 1
            return
        await asyncio.sleep(2)
    trial.findings.append(f"{behind} records of the log were not read again")


SCENARIOS = (
    Scenario(
        name="keys rotated during traffic",
        faults=("F30",),
        script=keys_rotated,
        expects=("rotated", "dropped"),
        rounds=3,
    ),
    Scenario(
        name="dead letters put back twice",
        faults=("F31",),
        script=letters_put_back,
        expects=("dead letters", "put back", "returned as one new letter"),
        documents=30,
        over_s=5,
    ),
    Scenario(
        name="the whole log replayed twice",
        faults=("F31",),
        script=log_replayed,
        expects=("replayed", "whole log acknowledged again"),
        documents=30,
        over_s=0,
        bursts=1,
    ),
)
