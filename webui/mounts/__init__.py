"""Pure: parse, check, explain and print mounts and the containers that use them. No I/O, no engine."""

from webui.mounts.advice import (
    VOLUME_OR_BIND,
    Advice,
    ComparisonRow,
    Fix,
    MountFacts,
    explain,
    explain_declared,
)
from webui.mounts.api_shape import api_object
from webui.mounts.checks import check, check_all, check_source_path, normal_target, volume_name_problem
from webui.mounts.draft import Pasted
from webui.mounts.host_paths import danger_of, device_of, is_engine_socket
from webui.mounts.json_shape import mount_from_json
from webui.mounts.launch import Launch, check_launch, container_name_problem, image_problem, launch_warnings
from webui.mounts.launch_printing import compose, docker_run, left_out, previews, python
from webui.mounts.model import Mount, MountContext, MountType
from webui.mounts.parse import parse
from webui.mounts.paste import parse_paste
from webui.mounts.ports import PortMapping, parse_port, print_port
from webui.mounts.printing import commands, compose_entry, docker_py_expression, mount_flag, volume_flag

__all__ = [
    "VOLUME_OR_BIND",
    "Advice",
    "ComparisonRow",
    "Fix",
    "Launch",
    "Mount",
    "MountContext",
    "MountFacts",
    "MountType",
    "Pasted",
    "PortMapping",
    "api_object",
    "check",
    "check_all",
    "check_launch",
    "check_source_path",
    "commands",
    "compose",
    "compose_entry",
    "container_name_problem",
    "danger_of",
    "device_of",
    "docker_py_expression",
    "docker_run",
    "explain",
    "explain_declared",
    "image_problem",
    "is_engine_socket",
    "launch_warnings",
    "left_out",
    "mount_flag",
    "mount_from_json",
    "normal_target",
    "parse",
    "parse_paste",
    "parse_port",
    "previews",
    "print_port",
    "python",
    "volume_flag",
    "volume_name_problem",
]
