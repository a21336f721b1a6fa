"""docs/asyncapi.yaml is what the app and the messages say."""

from pathlib import Path

from hedgegrid.messages import commands, control, events, ledger, market
from hedgegrid.messages.base import Message
from hedgegrid.metrics import asyncapi

ROOT = Path(__file__).parents[3]
FIX = "run: python -m hedgegrid.metrics.asyncapi"


def test_the_committed_file_is_the_generated_one() -> None:
    assert (ROOT / "docs/asyncapi.yaml").read_text(encoding="utf-8") == asyncapi.render(), FIX


def test_generation_is_deterministic() -> None:
    assert asyncapi.render() == asyncapi.render()


def test_every_message_and_every_reference_is_defined() -> None:
    document = asyncapi.document()
    schemas = document["components"]["schemas"]
    for module in (commands, control, events, ledger, market):
        for kind in vars(module).values():
            if (
                isinstance(kind, type)
                and issubclass(kind, Message)
                and not kind.__subclasses__()
                and kind is not Message
            ):
                assert kind.__name__ in schemas
    for reference in references(document):
        here = document
        for part in reference.removeprefix("#/").split("/"):
            here = here[part]


def test_each_stream_has_its_key_and_none_is_read_through_a_group() -> None:
    channels = asyncapi.document()["channels"]
    assert {name: channel["address"] for name, channel in channels.items()} == {
        "market.SYMBOL": "market:{SYMBOL}",
        "events.account": "{account}:events",
        "ledger.account": "{account}:ledger",
        "commands.account": "{account}:commands",
        "control.account": "{account}:control",
    }
    assert not any("groupName" in channel["bindings"]["redis"] for channel in channels.values())


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in references(item)]
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    return []
