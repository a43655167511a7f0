"""The log's interface as one AsyncAPI 3.0 document, made of the contracts and of `shared/kafka/topics.py`.

Rendered by ourselves: the subscribers take raw batches, so a framework cannot know the types.
"""

from typing import Any

from shared.contracts import models
from shared.contracts.registry import Contract
from shared.kafka.topics import COMMAND_TOPIC, TOPICS, Topic

_OUTSIDE = "outside"
_HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 in Kafka's binary content mode; header values are UTF-8 text.",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "ce_version"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "format": "uuid", "description": "Stays the same when a fact is published again."},
        "ce_source": {"type": "string", "description": "/gemba/<installation>/<incarnation>/<service>"},
        "ce_type": {"type": "string", "description": "The name of the message; empty on a tombstone."},
        "ce_time": {"type": "string", "format": "date-time", "description": "Business time at which it became true."},
        "ce_subject": {"type": "string", "format": "uuid", "description": "The aggregate; also the record's key."},
        "ce_version": {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "The aggregate's own count."},
        "traceparent": {"type": "string", "description": "W3C Trace Context; empty when there is none."},
        "content-type": {"type": "string", "const": "application/json"},
    },
}


def document() -> dict[str, Any]:
    """The whole document; equal input gives equal text."""
    messages = {model.type: _message(model) for model in models()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Gemba: facts and states on the log",
            "version": "1",
            "description": (
                "Fact topics hold what happened, in ids, dates, states and codes; state topics hold the whole state of "
                "a key and are compacted. Every record of an aggregate has the aggregate's id as its key and counts "
                "1, 2, 3 … in ce_version: a reader handles the next one, drops repeats and lets early ones wait."
            ),
        },
        "defaultContentType": "application/json",
        "servers": {
            "log": {
                "host": "kafka:9092",
                "protocol": "kafka",
                "security": [{"$ref": "#/components/securitySchemes/scram"}],
            }
        },
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: operation for topic in TOPICS for name, operation in _operations(topic).items()},
        "components": {
            "securitySchemes": {"scram": {"type": "scramSha256", "description": "One principal for each service."}},
            "messageTraits": {"cloudevent": {"headers": _HEADERS}},
            "messages": messages,
        },
    }


def _models_of(topic: Topic) -> list[type[Contract]]:
    name = "*.dlq" if topic.name.endswith(".dlq") else topic.name
    return [model for model in models() if model.topic == name]


def _message(model: type[Contract]) -> dict[str, Any]:
    schema = model.model_json_schema()
    described = " ".join((model.__doc__ or "").split())
    message: dict[str, Any] = {
        "name": model.type,
        "title": model.__name__,
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": schema},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid", "description": model.key_field}}},
    }
    if described:
        message["summary"] = described
    return message


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": _described(topic),
        "servers": [{"$ref": "#/servers/log"}],
        "messages": {model.type: {"$ref": f"#/components/messages/{model.type}"} for model in _models_of(topic)},
        "bindings": {"kafka": {"partitions": topic.partitions, "topicConfiguration": _configuration(topic)}},
    }


def _described(topic: Topic) -> str:
    if topic.name.endswith(".dlq"):
        return "Announcements of records that a consumer group quarantined; their bytes stay in its database."
    if topic.is_state:
        return "State topic: the newest version of a key wins, a null value erases it."
    if topic.name == COMMAND_TOPIC:
        return "Commands of outside systems, which repeat them until they are answered."
    return "Fact topic: kept for ever."


def _configuration(topic: Topic) -> dict[str, Any]:
    """In the words of the Kafka binding: policies are a list, times are numbers."""
    return {
        name: value.split(",") if name == "cleanup.policy" else float(value) if "." in value else int(value)
        for name, value in topic.config.items()
    }


def _operations(topic: Topic) -> dict[str, Any]:
    writers = topic.writers or ((_OUTSIDE,) if topic.name == COMMAND_TOPIC else ())
    channel = {"$ref": f"#/channels/{topic.name}"}
    sends = {
        f"{writer}.sends.{topic.name}": {
            "action": "send",
            "channel": channel,
            "summary": f"{writer} publishes to {topic.name}" + (f" (lane: {topic.lane})." if topic.writers else "."),
        }
        for writer in writers
    }
    receives = {
        f"{group}.receives.{topic.name}": {
            "action": "receive",
            "channel": channel,
            "summary": f"{group.split('.')[0]} reads {topic.name} as consumer group {group}.",
            "bindings": {"kafka": {"groupId": {"type": "string", "const": group}}},
        }
        for group in topic.groups
    }
    return sends | receives
