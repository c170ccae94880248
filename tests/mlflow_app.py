"""MLflow's server, started as often as wanted by a process that has imported it once.

    MLFLOW_BACKEND_STORE_URI=... python -m tests.mlflow_app PORT FOLDER

Each line that it reads starts a server, whose artifacts and log are in the folder; it prints the server's id, and
another line when that has ended. ``mlflow server`` imports MLflow twice at each start: 5 s of the processor (measured).
"""

import gc
import os
import sys
from pathlib import Path


def main(port: int, folder: Path) -> None:
    """Starts one server after the other, until nobody can write any more."""
    gc.disable()  # it would look again and again at what is imported
    import uvicorn  # before MLflow's, which then admits no pages of other hosts
    from mlflow.server.fastapi_app import app

    gc.freeze()
    gc.enable()
    for _ in sys.stdin:
        server = os.fork()
        if not server:
            prepare(folder)
            uvicorn.run(app, host="127.0.0.1", port=port)
            os._exit(0)
        print(server, flush=True)
        os.waitpid(server, 0)
        print("ended", flush=True)


def prepare(folder: Path) -> None:
    """Does what ``mlflow server`` does before it starts a process that answers, and gives that its settings."""
    from mlflow.server import constants, handlers

    log = os.open(folder / "server.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for output in (1, 2):
        os.dup2(log, output)
    store, root = os.environ["MLFLOW_BACKEND_STORE_URI"], "mlflow-artifacts:/"
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: store,
        constants.REGISTRY_STORE_URI_ENV_VAR: store,
        constants.ARTIFACT_ROOT_ENV_VAR: root,
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        constants.ARTIFACTS_DESTINATION_ENV_VAR: f"{folder}/artifacts",
    }
    handlers.initialize_backend_stores(store, store, root)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
