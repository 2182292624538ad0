# web3.py, unmodified: blocks, balances, receipts over HTTP; the same and new heads over the WebSocket,
# where it sends its requests in binary frames.
import asyncio
import json
import os

from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import BlockNotFound, ContractLogicError, MethodUnavailable
from web3.exceptions import TransactionNotFound

EXPECTED = json.loads(os.environ["LOCKSTEP_EXPECTED"])
ALICE = Web3.to_checksum_address(EXPECTED["alice"])
BOB = Web3.to_checksum_address(EXPECTED["bob"])
PATIENCE_SECONDS = 30


async def maybe(value):
    return await value if asyncio.iscoroutine(value) else value


async def refused(kind, ask):
    try:
        answer = await maybe(ask())
    except kind as error:
        assert not isinstance(error, ContractLogicError), error
        return error
    raise AssertionError(f"expected {kind.__name__}, got {answer}")


async def reads(w3):
    eth = w3.eth
    assert await maybe(w3.is_connected())
    assert await read(eth, "chain_id") == EXPECTED["chainId"]
    latest = await maybe(eth.get_block("latest"))
    assert latest["number"] >= EXPECTED["height"]
    parent = await maybe(eth.get_block(latest["number"] - 1))
    assert parent["hash"] == latest["parentHash"]
    genesis = await maybe(eth.get_block("earliest"))
    assert genesis["hash"].to_0x_hex() == EXPECTED["genesisHash"]
    assert await maybe(eth.get_balance(BOB)) == int(EXPECTED["bobBalance"])
    assert await maybe(eth.get_transaction_count(ALICE)) == EXPECTED["aliceNonce"]
    assert await maybe(eth.get_code(BOB)) == b""
    await refused(BlockNotFound, lambda: eth.get_block(10**9))
    await refused(TransactionNotFound, lambda: eth.get_transaction("0x" + "7" * 64))
    # A method that there is not is no contract that reverted.
    await refused(MethodUnavailable, lambda: eth.create_access_list({"to": BOB, "data": "0x"}))
    assert await maybe(eth.call({"to": BOB, "data": "0x"})) == b""
    assert await maybe(eth.estimate_gas({"to": BOB})) > 0
    assert len(await maybe(eth.get_block_receipts(latest["number"]))) == len(latest["transactions"])


async def read(eth, name):
    return await maybe(getattr(eth, name))


async def transaction(eth):
    found = await maybe(eth.get_transaction(EXPECTED["transaction"]))
    assert found["from"] == ALICE and found["to"] == BOB, found
    assert found["value"] == int(EXPECTED["amount"])
    receipt = await maybe(eth.wait_for_transaction_receipt(EXPECTED["transaction"]))
    assert receipt["status"] == 1 and receipt["blockHash"] == found["blockHash"]


async def new_heads(w3):
    await w3.eth.subscribe("newHeads")
    numbers = []
    async for message in w3.socket.process_subscriptions():
        numbers.append(message["result"]["number"])
        if len(numbers) == 3:
            break
    assert numbers == list(range(numbers[0], numbers[0] + 3)), numbers


async def submits(eth):
    sent = await eth.send_raw_transaction(EXPECTED["raw"])
    assert sent.to_0x_hex() == EXPECTED["rawId"]
    receipt = await eth.wait_for_transaction_receipt(sent)
    assert receipt["status"] == 1


async def main():
    plain = Web3(Web3.HTTPProvider(EXPECTED["http"]))
    await reads(plain)
    await transaction(plain.eth)
    asked = AsyncWeb3(AsyncWeb3.AsyncHTTPProvider(EXPECTED["http"]))
    await reads(asked)
    await asked.provider.disconnect()
    async with AsyncWeb3(WebSocketProvider(EXPECTED["webSocket"])) as pushed:
        await reads(pushed)
        await transaction(pushed.eth)
        await new_heads(pushed)
        await submits(pushed.eth)


asyncio.run(asyncio.wait_for(main(), PATIENCE_SECONDS))
print("ok")
