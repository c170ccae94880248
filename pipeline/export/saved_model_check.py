"""Looks at what a SavedModel would run before anything of it runs: TensorFlow's operations can write any file."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import ModelError, printable

_WORDS = re.compile(
    "activation_mode|allowed_devices|bad_indices_policy|config|config_proto|container|containers|data_format|debug_name"
    "|dim_args_spec|dimension_numbers|disabled_checks|dst_format|equation|executor_type|fill_mode|frame_name|fused_ops"
    "|interpolation|kernel_type|message|module|noise|padding|platforms|precision_config|row_partition_types|shared_name"
    "|source|src_format|stack_name|tensor_array_name"
)
"""The attributes of free text that no operation takes for a file, an address or the name of something to call."""


def check_operations(target: Path) -> None:
    """ModelError unless all that loading and calling the SavedModel in a folder can run computes with numbers alone.

    Without texts, that is: an operation that reads or writes a file, prints, calls Python or reaches another machine
    takes or gives a text, or has one as an attribute (TensorFlow 2.21, its list of 1,910 operations). What only saves
    the model again is not run and may be there.
    """
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    model = SavedModel()
    model.ParseFromString((target / "saved_model.pb").read_bytes())
    if len(model.meta_graphs) != 1 or not model.meta_graphs[0].HasField("object_graph_def"):
        raise ModelError(f"{target}: a SavedModel of TensorFlow 1; give one that `convtune export` wrote")
    graph = model.meta_graphs[0]
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    for operation in _operations(functions, graph.object_graph_def.concrete_functions):
        if not _is_pure(operation):
            reason = "may reach files or other programs, so it is not run"
            raise ModelError(
                f"{target}: holds the operation {printable(operation)}, which {reason}; give a model that "
                "`convtune export` wrote, or its .keras file"
            )


def _operations(functions: Mapping[str, Any], roots: Iterable[str]) -> Iterator[str]:
    """The operations of the functions named ``roots`` and of all that they call."""
    waiting, seen = [*roots], set(roots)
    while waiting:
        function = functions.get(waiting.pop())
        for node in function.node_def if function else ():
            if node.op not in functions:
                yield node.op
            for name in {node.op, *_functions_in(node.attr)} & functions.keys() - seen:
                seen.add(name)
                waiting.append(name)


def _functions_in(attributes: Mapping[str, Any]) -> Iterator[str]:
    """The functions that attributes name, and those that these are given as attributes of their own."""
    for value in attributes.values():
        for function in (value.func, *value.list.func):
            yield function.name
            yield from _functions_in(function.attr)


def _is_pure(name: str) -> bool:
    """Whether an operation handles no text: as input, as output, or as an attribute other than those in ``_WORDS``."""
    from tensorflow.core.framework.types_pb2 import DT_STRING
    from tensorflow.python.framework import op_def_registry

    operation = op_def_registry.get(name)
    if operation is None or any(arg.type == DT_STRING for arg in (*operation.input_arg, *operation.output_arg)):
        return False
    texts = (attr for attr in operation.attr if attr.type in ("string", "list(string)"))
    return all(_WORDS.fullmatch(attr.name) or attr.allowed_values.list.s for attr in texts)
