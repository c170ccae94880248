from pathlib import Path

import pytest

from pipeline.errors import StudyError
from pipeline.steps.disk_errors import disk_errors
from pipeline.study.paths import StudyPaths


def test_a_file_of_the_study_that_finds_no_room_ends_it_in_one_line():
    study = StudyPaths(Path("studies/mine"))
    full = r"studies/mine: No space left on device; mend that, then go on with the same"
    with pytest.raises(StudyError, match=full), disk_errors(study), open("/dev/full", "w") as file:
        file.write("trial,state")
    with pytest.raises(FileNotFoundError), disk_errors(study):
        raise FileNotFoundError(2, "No such file or directory")
