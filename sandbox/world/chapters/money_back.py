"""Two chapters: money goes back or to somebody else, and on second thoughts some of that is undone.

Rows of Zuora carry whole seconds, and so do people: each chapter begins in a later second than the one before.
"""

from sandbox.world.chapters import giving_back, moving, settling
from sandbox.world.scene import Scene

CHAPTER, UNDONE = "money_back", "second_thoughts"


async def money_back(scene: Scene) -> None:
    """Give money back, give it to others, settle memos."""
    await scene.zuora.next_second()
    await giving_back.money_goes_back(scene, CHAPTER)
    await moving.money_moves(scene, CHAPTER)
    await settling.memos_are_settled(scene, CHAPTER)


async def second_thoughts(scene: Scene) -> None:
    """Undo some of it."""
    await scene.zuora.next_second()
    await giving_back.money_is_taken_back(scene, UNDONE)
    await moving.moved_money_is_withdrawn(scene, UNDONE)
    await settling.documents_are_withdrawn(scene, UNDONE)
