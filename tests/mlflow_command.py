"""Runs the command ``mlflow server`` as often as wanted. It is called, and reads and prints, as ``mlflow_app``."""

import subprocess
import sys
from pathlib import Path


def main(port: str, folder: Path) -> None:
    """Starts one server after the other, until nobody can write any more."""
    places = ["--serve-artifacts", "--artifacts-destination", str(folder / "artifacts")]
    command = [sys.executable, "-m", "mlflow", "server", "--port", port, "--workers", "1", *places]
    for _ in sys.stdin:
        with (folder / "server.log").open("a") as log:
            server = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        print(server.pid, flush=True)
        server.wait()
        print("ended", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
