from bench.contenders.records import add_run, has_run, read_runs

RUN = {"contender": "optuna", "seed": 0, "seconds": 600.0, "images": 8000, "epochs_at_most": 12, "curve": [[9.5, 0.3]]}


def test_runs_are_added_one_per_line(tmp_path):
    file = tmp_path / "results" / "peers.json"
    assert read_runs(file) == []
    add_run(file, RUN)
    add_run(file, RUN | {"seed": 1})
    assert [run["seed"] for run in read_runs(file)] == [0, 1]
    assert len(file.read_text().splitlines()) == 4


def test_a_run_is_known_by_contender_seed_budget_images_and_epochs():
    assert has_run([RUN], RUN | {"curve": []})
    assert not any(has_run([RUN], RUN | {key: 7}) for key in RUN.keys() - {"curve"})
