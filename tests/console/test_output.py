"""What commands write for people is what they were given, to the letter: much of it people wrote in Zuora."""

import pytest

from console.output import Output


@pytest.mark.parametrize(
    "text", ["add [documents.refund] to carry it", "x [/b] y", "[bold]Acme[/bold]", "refund:a:1 and :smile:", r"a\[b]"]
)
def test_brackets_and_colons_are_told_as_they_stand(capsys, text):
    output = Output(as_json=False)
    output.table(("what", text), [("cell", text)], title=text)
    output.say(text)
    output.facts({"fact": text})
    assert capsys.readouterr().out.count(text) == 5
