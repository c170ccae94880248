from pipeline.training.throughput import build_network, measure_throughput


def test_it_is_the_rate_of_the_network_that_is_measured(monkeypatch):
    monkeypatch.setattr("pipeline.training.throughput._SECONDS", 0.0)
    rate = measure_throughput("auto")
    assert build_network().macs == 10_323_200
    # From an old phone to a large accelerator; a wrong unit is off by at least a thousand.
    assert 1e8 < rate < 1e15
