# Python's own clients as they are by default: urllib.request, with a connection for each call, and
# http.client, which keeps its connection and does not try anything a second time. None may fail.
import http.client
import json
import sys
import urllib.parse
import urllib.request

URL = sys.argv[1]
CALLS = int(sys.argv[2])
JSON = {"Content-Type": "application/json"}


def body(call):
    return json.dumps({"jsonrpc": "2.0", "id": call, "method": "eth_chainId"}).encode()


def by_urllib(call):
    asked = urllib.request.Request(URL, body(call), JSON)
    if call % 3 == 0:
        asked = URL + "/status"
    with urllib.request.urlopen(asked) as answer:
        return json.load(answer)


KEPT = http.client.HTTPConnection(urllib.parse.urlsplit(URL).netloc)


def by_http_client(call):
    if call % 3 == 0:
        KEPT.request("GET", "/status")
    else:
        KEPT.request("POST", "/", body(call), JSON)
    answer = KEPT.getresponse()
    assert answer.status == 200, answer.status
    return json.load(answer)


def is_good(call, answer):
    return "height" in answer if call % 3 == 0 else answer["id"] == call and "result" in answer


failures = []
for client in (by_urllib, by_http_client):
    failed = []
    for call in range(CALLS):
        try:
            answer = client(call)
            assert is_good(call, answer), answer
        except Exception as error:
            failed.append(repr(error))
    print(f"{client.__name__}: {CALLS} calls, {len(failed)} failed {failed[-1:]}")
    failures += failed
sys.exit(1 if failures else 0)
