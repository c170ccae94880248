"""JSON schemas of the values of settings, for editors and for whoever writes job files by program."""

from pipeline.study.objective import OBJECTIVES

TEXT = {"type": "string"}
MODEL_NAME = {"type": "string", "pattern": r"^\s*[^/:\s][^/:]*$"}
ADDRESS = {"type": "string", "pattern": r"^\s*postgres(ql)?(\+psycopg)?://"}
PARAMS = {"$ref": "#/$defs/point"}
ATTEMPTS = {"type": "array", "items": {"anyOf": [PARAMS, {"type": ["string", "integer"]}]}}
LIMITS = {"$ref": "#/$defs/limits"}
TIME = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "pattern": r"^\s*([0-9]+(\.[0-9]+)?\s*(s|min|m|h|d)?\s*)+$"},
    ]
}
SIZE = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": 4096},
        {"type": "string", "pattern": "^[0-9]{1,4}(x[0-9]{1,4})?$"},
    ]
}
_GPU = r"(\d{1,4}|(GPU|MIG)-[\w-]+)"
GPUS = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 9999},
        {"type": "string", "pattern": rf"^\s*(all|none|{_GPU}(\s*,\s*{_GPU})*)\s*$"},
        {"type": "array", "items": {"type": ["integer", "string"]}, "minItems": 1, "uniqueItems": True},
    ]
}
_OBJECTIVE = rf"\s*({'|'.join(OBJECTIVES)})\s*"
OBJECTIVE_LIST = {
    "anyOf": [
        {"type": "string", "pattern": f"^{_OBJECTIVE}(,{_OBJECTIVE})*$"},
        {"type": "array", "items": {"enum": list(OBJECTIVES)}, "minItems": 1, "uniqueItems": True},
    ]
}
