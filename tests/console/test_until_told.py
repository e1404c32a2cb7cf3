"""What a process ends with: an operating error as it is, also out of several at once; a programmer's error whole."""

import asyncio

import pytest

from console.running.processes import until_told
from schemas.errors import Misconfigured, Transient


async def failing(*errors: Exception) -> None:
    async def fail(error: Exception) -> None:
        raise error

    async with asyncio.TaskGroup() as tasks, asyncio.TaskGroup() as inner:
        for error in errors:
            inner.create_task(fail(error))
        tasks.create_task(asyncio.sleep(0))


@pytest.mark.parametrize("errors", [(Transient("no Kafka"),), (Transient("no Kafka"), Misconfigured("and no disk"))])
async def test_of_operating_errors_the_first_is_told(errors):
    with pytest.raises(Transient, match="no Kafka"):
        await until_told(failing(*errors))


async def test_a_programmers_error_keeps_all_that_came_with_it():
    with pytest.raises(ExceptionGroup) as raised:
        await until_told(failing(Transient("no Kafka"), ValueError("a bug")))
    assert raised.group_contains(ValueError, match="a bug")
