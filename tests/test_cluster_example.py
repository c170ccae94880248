"""The example of a cluster, as far as it can be checked without containers."""

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pipeline.cli import tune

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "cluster"
TEXT = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_every_variable_is_in_the_example_of_the_environment():
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT))
    given = set(re.findall(r"^(\w+)=", (FOLDER / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert used == given
    assert not re.search(r"(?i)password[^\n]*: (?!\$\{)\S", TEXT), "a password is written in the file"


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_and_every_port_is_this_machines(name):
    service = SERVICES[name]
    tag = service["image"].rpartition(":")[2]
    assert tag == "local" or re.search(r"\d", tag)
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_what_is_built_has_pinned_packages():
    inline = SERVICES["mlflow"]["build"]["dockerfile_inline"]
    assert all("==" in package for package in inline.partition("--no-cache-dir ")[2].split())
    for text in (inline, (FOLDER / "Dockerfile").read_text(encoding="utf-8")):
        assert re.match(r"FROM python:\d+\.\d+\.\d+-slim\n", text)


def test_files_that_are_mounted_exist_and_services_that_are_waited_for_too():
    for service in SERVICES.values():
        assert set(service.get("depends_on", [])) <= set(SERVICES)
        mounted = [volume.split(":")[0] for volume in service.get("volumes", []) if volume.startswith("./")]
        assert all((FOLDER / file).is_file() for file in mounted)


def test_every_command_of_its_readme_is_one_that_convtune_takes():
    parser = argparse.ArgumentParser()
    tune.arguments(parser)
    commands = re.findall(r"convtune tune (--.*)", README)
    assert len(commands) == 3
    for command in commands:
        read = vars(parser.parse_args(command.replace('"', "").split()))
        assert (read["executor"], read["storage"].split("@")[0][:13]) == ("ray", "postgresql://")


def test_docker_reads_it(tmp_path):
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        pytest.skip("docker compose is not installed")
    command = ["docker", "compose", "--env-file", ".env.example", "--profile", "commands", "config", "--quiet"]
    ran = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
