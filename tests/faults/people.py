"""What people do while traffic runs, and do twice: keys rotated, dead letters put back, the whole log replayed."""

import asyncio

from adapters.kafka.cluster import started
from adapters.kafka.reader import read_whole
from adapters.store.readmodel import ReadModel
from console.output import EXIT_FINDINGS, EXIT_OK
from console.replaying import plan_replay, replay_stage
from schemas.topics import Topic
from tests.faults.scenario import Scenario, Trial

_REPLAYED = ("match", "ledger", "sink")


async def keys_rotated(trial: Trial) -> None:
    """Rotate the key that seals the credentials while traffic runs; everything that starts anew reads them."""
    product, crew = trial.installation.product, trial.installation.crew
    for _ in range(2 * trial.rounds):
        await asyncio.sleep(3)
        await product.command("keys", "rotate", "--yes")
        await product.command("keys", "check")
        trial.fired["rotated"] += 1
        for name in ("sink-0", "poll"):
            trial.fired["SIGKILL"] += crew[name].kill()
    await asyncio.sleep(5)


async def letters_put_back(trial: Trial) -> None:
    """Put dead letters back twice; what is still bad returns once, and nothing new comes into QAD."""
    installation = trial.installation
    cluster, place = installation.cluster, installation.places[0]
    partition = installation.partitions[place.name]
    async with started(cluster.producer(), cluster) as producer:
        for topic in (Topic.RECORDS, Topic.POSTINGS):
            await producer.send_and_wait(cluster.name(topic), b"\x00 spoilt", key=b"spoilt", partition=partition)
    await asyncio.sleep(8)
    before = await _letters(trial, partition)
    trial.fired["dead letters"] += before
    for _ in range(2):
        words = ("deadletters", "put-back", "--all", "-c", place.name, "--why", "a test", "--yes")
        await installation.product.command(*words, codes=(EXIT_OK, EXIT_FINDINGS))
        trial.fired["put back"] += 1
        await asyncio.sleep(8)
    await asyncio.sleep(8)
    after = await _letters(trial, partition)
    trial.figures["dead letters"] = f"{before} before, {after} after being put back twice"
    await asyncio.sleep(8)
    if await _letters(trial, partition) != after:
        trial.findings.append("dead letters that were put back go round in a loop")


async def _letters(trial: Trial, partition: int) -> int:
    return len(await read_whole(trial.installation.cluster, partition, [Topic.DEAD_LETTERS]))


async def log_replayed(trial: Trial) -> None:
    """Replay the whole log of every stage twice, for every connection: nothing new may come into QAD."""
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
        installation.crew.start()
        await asyncio.sleep(20)
        after = sum(len(place.ledger.documents) for place in installation.places)
        trial.figures[f"new documents, pass {number + 1}"] = str(after - before)
        if after != before:
            trial.findings.append(f"{after - before} new documents after a replay")


SCENARIOS = (
    Scenario(
        name="keys rotated during traffic",
        faults=("F30",),
        script=keys_rotated,
        expects=("rotated",),
        rounds=3,
    ),
    Scenario(
        name="dead letters put back twice",
        faults=("F31",),
        script=letters_put_back,
        expects=("dead letters", "put back"),
        documents=30,
        over_s=5,
    ),
    Scenario(
        name="the whole log replayed twice",
        faults=("F31",),
        script=log_replayed,
        expects=("replayed",),
        documents=30,
        over_s=0,
        bursts=1,
    ),
)
