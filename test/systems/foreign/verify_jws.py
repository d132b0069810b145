"""Verifies compact JWS by joserfc and by PyJWT. Reads one JSON document on stdin: {"tokens": [{"jws", "jwk", "typ"}]}.

Writes for each token what either library said: the payload, or the error.
"""

import json
import sys

import jwt
from joserfc import jws
from joserfc.jwk import import_key


def by_joserfc(token):
    found = jws.deserialize_compact(token["jws"], import_key(token["jwk"]), algorithms=["EdDSA", "ES256"])
    if found.protected.get("typ") != token["typ"]:
        raise ValueError("another typ")
    return json.loads(found.payload)


def by_pyjwt(token):
    key = jwt.PyJWK.from_dict(token["jwk"])
    found = jwt.decode_complete(
        token["jws"], key, algorithms=["EdDSA", "ES256"], options={"verify_aud": False, "verify_exp": False}
    )
    if found["header"]["typ"] != token["typ"]:
        raise ValueError("another typ")
    return found["payload"]


def answer(verify, token):
    try:
        return {"payload": verify(token)}
    except Exception as error:  # whatever a library calls a refusal
        return {"refused": f"{type(error).__name__}: {error}"}


tokens = json.load(sys.stdin)["tokens"]
json.dump([{"joserfc": answer(by_joserfc, token), "pyjwt": answer(by_pyjwt, token)} for token in tokens], sys.stdout)
