"""Writes the OCSF JSON Schemas that the tests validate against.

    pip install ocsf-json-schema==1.2.0 && python3 tests/data/ocsf/generate.py

One file per class and profile set, minified, keys as the generator orders them.
"""

import json
import pathlib

from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

OCSF_VERSION = "1.8.0"
CLASS_UIDS = (6003, 6002, 3002, 2004, 2005, 0)
PROFILES = {"plain": [], "cloud": ["cloud"]}


def main() -> None:
    here = pathlib.Path(__file__).parent
    schemas = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=OCSF_VERSION))
    for uid in CLASS_UIDS:
        name = schemas.lookup_class_name_from_uid(uid)
        for label, profiles in PROFILES.items():
            schema = schemas.get_class_schema(class_name=name, profiles=profiles)
            text = json.dumps(schema, separators=(",", ":"), ensure_ascii=False)
            (here / f"{uid}-{label}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
