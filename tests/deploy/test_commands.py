"""The command lines in `deploy/` are taken by the programs that they call."""

from __future__ import annotations

import re
import shlex
from importlib.metadata import entry_points

import pytest
from click import Command
from mlflow.cli import cli as mlflow_cli
from ray.scripts.scripts import cli as ray_cli

from slalom.cli.main import _parser
from tests.deploy.parts import DEPLOY, KUSTOMIZED, document, found, manifests
from tests.deploy.test_scripts import UNITS, unit


def command_lines():
    """Every call of ray, mlflow and slalom, with the file that it is from."""
    compose = document("compose.yaml")["services"]
    for name, service in compose.items():
        for words in plain(service["command"]) if isinstance(service.get("command"), list) else ():
            yield f"compose {name}", words
        yield f"compose {name} health", service["healthcheck"]["test"][1:]
    for file in UNITS:
        yield file.name, shlex.split(unit(file)["Service"]["ExecStart"].replace("/opt/slalom/bin/", ""))
    launcher = document("ray-cluster.yaml")
    for key in ("head_start_ray_commands", "worker_start_ray_commands"):
        for words in (words for command in launcher[key] for words in plain(["sh", "-c", command])):
            yield f"ray-cluster {key}", words
    for folder in KUSTOMIZED:
        for command in [*found(manifests(folder), "command"), *found(manifests(folder), "entrypoint")]:
            for words in plain(command):
                yield f"kubernetes {folder}", words


def plain(command):
    """The commands without the shell around them."""
    words = shlex.split(command) if isinstance(command, str) else command
    if words[0] not in ("sh", "bash"):
        return [words]
    inner = re.split(r"[;\n]| & ?| &$| \|\| ", words[-1])
    return [shlex.split(AROUND.sub("", one)) for one in inner if AROUND.sub("", one).startswith(PROGRAMS)]


PROGRAMS = ("ray ", "mlflow ", "slalom ")
AROUND = re.compile(r"^\s*(exec |RAY_AUTH_MODE=token )?|\s*>\S+ 2>&1\s*$|\s*&\s*$")
"""What stands before and behind a program's own words in a shell."""

CALLS = [(where, words) for where, words in command_lines() if words and words[0] in ("ray", "mlflow", "slalom")]


def test_every_file_with_a_call_is_read():
    assert {words[0] for _, words in CALLS} == {"ray", "mlflow", "slalom"}
    read = {where.split()[0] for where, _ in CALLS}
    assert read == {"compose", "kubernetes", "ray-cluster", *(file.name for file in UNITS)}


@pytest.mark.parametrize(("where", "words"), CALLS, ids=[f"{where}: {' '.join(words[:2])}" for where, words in CALLS])
def test_a_call_is_understood(where, words):
    program, *arguments = [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", word) for word in words]
    if program == "slalom":
        understood_by_slalom(arguments)
    else:
        understood_by_click({"ray": ray_cli, "mlflow": mlflow_cli}[program], arguments)


def understood_by_click(group, arguments):
    name, *rest = arguments
    command = group.commands[name]
    assert isinstance(command, Command)
    command.make_context(name, rest)


def understood_by_slalom(arguments):
    try:
        _parser().parse_args(arguments)
    except SystemExit as exc:
        raise AssertionError(arguments) from exc


def test_mlflows_server_opens_on_studies_wherever_it_is_started():
    (app,) = entry_points(group="mlflow.app", name="slalom")
    assert app.load()
    servers = [words for _, words in CALLS if words[:2] == ["mlflow", "server"]]
    assert len(servers) > 1
    assert [words for words in servers if f"--app-name={app.name}" not in words] == []


def test_a_wrong_call_is_not_understood():
    with pytest.raises(Exception, match="--dashbord-host"):
        understood_by_click(ray_cli, ["start", "--head", "--dashbord-host=127.0.0.1"])
    with pytest.raises(AssertionError):
        understood_by_slalom(["run"])


def test_slurms_options_of_ray_are_rays():
    text = (DEPLOY / "slurm.sbatch").read_text()
    options = set(re.findall(r"(--[a-z-]+)(?:=| )", text[text.index("words=(") : text.index("code=0\nwait")]))
    known = {name for parameter in ray_cli.commands["start"].params for name in parameter.opts}
    assert {"--temp-dir", "--memory", "--num-gpus"} <= options <= known
