from redis import Redis


def test_store(redis: Redis) -> None:
    assert redis.ping()
