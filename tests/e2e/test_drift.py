"""Drift watch on a product that runs: somebody changes QAD, and it is said before a document fails."""

from typing import Any

import pytest

from sandbox.world.chart import HARDWARE_ACCOUNT
from tests.conftest import eventually
from tests.e2e.at_work import AtWork, at_work

SITE = "amer"


@pytest.mark.timeout(300)
async def test_an_account_that_is_deactivated_in_qad_is_named_before_a_document_fails(kafka, tmp_path):
    async with at_work(tmp_path / "house", kafka=kafka, eventually=eventually) as work:
        number = await work.bill(SITE)
        await work.comes_into_qad(SITE, number)
        assert await drifted(work) == []

        await activate(work, is_active=False)

        async def is_named() -> None:
            found = [(one["what"], one["why"]) for one in await drifted(work)]
            assert found == [(f"gl_account {HARDWARE_ACCOUNT}", "is not active")]

        await eventually(is_named, within_s=60, every_s=0.5)

        async def is_said() -> None:
            assert "QAD has changed and documents are going to fail" in work.log

        await eventually(is_said, within_s=30)
        await activate(work, is_active=True)

        async def is_mended() -> None:
            assert await drifted(work) == []

        await eventually(is_mended, within_s=60, every_s=0.5)


async def activate(work: AtWork, *, is_active: bool) -> None:
    scene = work.scene(SITE)
    code, shared_set = HARDWARE_ACCOUNT, scene.site.shared_set
    await scene.qad.act("accounts", shared_set_code=shared_set, gl_account_code=code, is_active=is_active)


async def drifted(work: AtWork) -> list[dict[str, Any]]:
    return list(await work.house.product.ask("drift", "-c", SITE))
