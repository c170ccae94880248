"""The example of a cluster, as far as it can be checked without containers."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline.cli import tune
from tests.ray_nodes import two_nodes
from tests.required import RIGHTS_REQUIRED, lacking_service

FOLDER = Path(__file__).resolve().parents[1] / "examples" / "cluster"
TEXT = (FOLDER / "compose.yaml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]
CONTAINER = ["unshare", "--fork", "--kill-child", "--pid", "--mount-proc", "--mount", "sh", "-c"]
CONTAINER += ['mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray && exec "$@"', "sh"]

CAN_HIDE = subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode == 0

JOIN_ON_THIS_MACHINE = """
import sys
from ray._private import services
services.resolve_ip_for_localhost = lambda host: host  # the cluster listens on 127.0.0.1 alone
from ray.scripts.scripts import main
sys.argv.append("--node-ip-address=127.0.0.1")
main()
"""

RUN_A_TASK = """
import os
import sys
from contextlib import closing
from pathlib import Path
from pipeline.executors import Slots, call
from pipeline.executors import ray as ray_executor
from pipeline.executors.ray_cluster import living_nodes
from tests.executors.test_ray import warm_up
from tests.fakes import GetPid

assert sys.argv[1] == "--ray-address"
with closing(ray_executor.start(Slots(9, follows=True, address=sys.argv[2]), Path(os.devnull), warm_up)) as executor:
    call(executor, GetPid())
    print(f"{executor.slots} slots, {len(living_nodes())} nodes")
"""

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
    images = {service["image"]: service["build"] for service in SERVICES.values() if "build" in service}
    assert len(images) == 2
    for build in images.values():
        text = (FOLDER / build["context"] / build["dockerfile"]).read_text(encoding="utf-8")
        assert re.match(r"FROM python:\d+\.\d+\.\d+-slim\n", text)
        packages = text.partition("--no-cache-dir ")[2].split()
        assert "--constraint" in packages or all("==" in package for package in packages)


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


@pytest.mark.slow
@pytest.mark.skipif(not (CAN_HIDE or RIGHTS_REQUIRED), reason="hiding processes from some others needs root")
def test_the_container_of_convtune_is_a_node_of_the_cluster_that_trains_nothing(tmp_path):
    """Runs its entrypoint where no process of the cluster is seen, as in a container of its own."""
    write_command(tmp_path / "ray", JOIN_ON_THIS_MACHINE)
    write_command(tmp_path / "convtune", RUN_A_TASK)
    with two_nodes() as nodes:
        entrypoint = [part.replace("$$", "$") for part in SERVICES["convtune"]["entrypoint"]]
        entrypoint = [part.replace("ray-head:6379", nodes.address) for part in entrypoint]
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(FOLDER.parents[1])}
        command = [*CONTAINER, *entrypoint, "--ray-address", nodes.address]
        ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("2 slots, 3 nodes\n", "", 0)


def write_command(file, script):
    file.write_text(f"#!{sys.executable}\n{script}")
    file.chmod(0o755)


def compose():
    """Docker's reader of compose files: the command of today, or Debian's program, which reads older files only."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    return lacking_service("neither docker compose nor docker-compose is installed")


def test_docker_reads_it():
    command = [*compose(), "--env-file", ".env.example", "--profile", "commands", "config"]
    ran = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert set(yaml.safe_load(ran.stdout)["services"]) == set(SERVICES)
    assert "$" not in re.sub(r"\$\$\w+|\$\$@", "", ran.stdout), "a variable has no value"
