"""Servers that somebody runs already: named by one variable each, or refused with an example."""

import pytest

from deploy.local.addresses import KafkaAddress, given_kafka, given_postgres
from deploy.local.problem import Problem


def test_nothing_is_given_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMBA_KAFKA", raising=False)
    monkeypatch.setenv("GEMBA_POSTGRES", "")
    assert given_kafka() is None
    assert given_postgres() is None


def test_kafka_with_several_brokers_and_a_password_of_odd_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_KAFKA", "kafkas://root:p%40ss@one:9093,two:9093")
    assert given_kafka() == KafkaAddress("one:9093,two:9093", "root", "p@ss", tls=True)


@pytest.mark.parametrize("wrong", ["localhost:9092", "kafka://localhost:9092", "http://a:b@c:1", "kafka://a@c:1"])
def test_wrong_kafka_address_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("GEMBA_KAFKA", wrong)
    with pytest.raises(Problem) as refused:
        given_kafka()
    assert "kafka://user:password@host:9092" in refused.value.remedy


def test_wrong_postgres_address_is_refused_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMBA_POSTGRES", "mysql://a:b@c/d")
    with pytest.raises(Problem) as refused:
        given_postgres()
    assert "postgresql://user:password@host:5432" in refused.value.remedy
