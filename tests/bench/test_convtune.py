import os

from bench.contenders.convtune import Watch, improvements


def test_a_watch_sees_each_epoch_once_at_the_time_of_its_row(tmp_path):
    watch = Watch(tmp_path, began=1000.0)
    watch.look()
    history = tmp_path / "trials" / "0000" / "history.csv"
    history.parent.mkdir(parents=True)
    for text, written in (("epoch,val_accuracy\n1,0.3\n", 1010), ("2,0.5\n3,0.", 1020), ("4\n", 1030)):
        with history.open("a") as file:
            file.write(text)
        os.utime(history, (written, written))
        watch.look()
        watch.look()
    assert watch.epochs == [(10.0, 0.3), (20.0, 0.5), (30.0, 0.4)]
    assert watch.search_began > 0
    assert improvements(watch.epochs) == [(10.0, 0.3), (20.0, 0.5)]
