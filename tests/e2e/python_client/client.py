#!/usr/bin/env python3
"""A plain Python client of the gateway: what a back office would write in its first hour.

Needs Debian's python3-grpcio, python3-protobuf, protobuf-compiler and protobuf-compiler-grpc. As a program it prints JSON:

    client.py --address unix:/run/ami-gateway/rpc.sock registers utilities/maui/meters/10042
    client.py --address gateway:50051 --ca ca.pem --cert reader.pem --key reader.key \\
        intervals utilities/maui/usagePoints/up1 2013-04-07T00:00:00Z 2013-04-09T00:00:00Z billing
    client.py --address unix:/run/ami-gateway/rpc.sock read-now utilities/maui/meters/10042 mdm-4711 move-out

As a module: connect(), latest(), registers(), intervals(), read_now(), ping(), watch(), refusal(). Values are decimal strings; times are UTC with "Z".
"""
import argparse
import atexit
import datetime as dt
import decimal
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import grpc

PROTO = pathlib.Path(__file__).resolve().parents[3] / "proto"


def make_stubs():
    """Python modules of our protos, made by protoc in a folder that goes when the program ends."""
    folder = tempfile.mkdtemp(prefix="ami-stubs.")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    protos = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    plugin = shutil.which("grpc_python_plugin")
    subprocess.run(["protoc", f"-I{PROTO}", f"--plugin=protoc-gen-grpc_python={plugin}", f"--python_out={folder}",
                    f"--grpc_python_out={folder}", *protos], check=True)
    sys.path.insert(0, folder)


make_stubs()
from ami.v1 import command_service_pb2, command_service_pb2_grpc  # noqa: E402
from ami.v1 import reading_service_pb2, reading_service_pb2_grpc, types_pb2  # noqa: E402
from google.protobuf import json_format, timestamp_pb2  # noqa: E402
from google.rpc import error_details_pb2, status_pb2  # noqa: E402


def connect(address, ca=None, cert=None, key=None):
    """A channel: TLS with a client certificate (PEM files), or plaintext for a Unix socket and for a demo."""
    if ca is None:
        return grpc.insecure_channel(address)
    pem = [pathlib.Path(path).read_bytes() if path else None for path in (ca, key, cert)]
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(*pem))


def _timestamp(text):
    stamp = timestamp_pb2.Timestamp()
    stamp.FromJsonString(text)
    return stamp


def _value(message):
    """A RegisterValue as a plain dictionary; enums by name."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def latest(channel, names, quantities=(), timeout=30):
    """{name: [value, ...]}; a name without a value has an empty list."""
    request = reading_service_pb2.GetLatestRequest(names=names, quantities=quantities)
    answer = reading_service_pb2_grpc.ReadingServiceStub(channel).GetLatest(request, timeout=timeout)
    return {one.name: [_value(value) for value in one.values] for one in answer.latest}


def registers(channel, name, start=None, end=None, page_size=1000, timeout=30):
    """All register values of a meter or usage point, page by page."""
    stub = reading_service_pb2_grpc.ReadingServiceStub(channel)
    request = reading_service_pb2.ListRegistersRequest(name=name, page_size=page_size)
    if start:
        request.start.CopyFrom(_timestamp(start))
    if end:
        request.end.CopyFrom(_timestamp(end))
    while True:
        page = stub.ListRegisters(request, timeout=timeout)
        yield from map(_value, page.values)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def intervals(channel, name, start, end, purpose, timeout=60):
    """Each interval as {channel, start, end, value or None, unit, quality, ...}. `name` is one name or a list of them."""
    names = [name] if isinstance(name, str) else list(name)
    request = reading_service_pb2.StreamIntervalsRequest(names=names, start=_timestamp(start), end=_timestamp(end),
                                                         purpose=purpose)
    channels, qualities = {}, {}
    for message in reading_service_pb2_grpc.ReadingServiceStub(channel).StreamIntervals(request, timeout=timeout):
        for entry in message.dictionary.channels:
            channels[entry.number] = entry
        for entry in message.dictionary.qualities:
            qualities[entry.number] = entry.quality
        if message.HasField("block"):
            yield from _slots(message.block, channels[message.block.channel], qualities)


def read_now(channel, meter, request_id, purpose, wait=30, **more):
    """Asks a meter and gives the operation. It may not have ended after `wait` seconds: see "done"; the same call again,
    with the same request_id, is the same operation. More: order_id, on_behalf_of, priority, include_latest."""
    request = command_service_pb2.ReadNowRequest(meter=meter, request_id=request_id, purpose=purpose, **more)
    request.wait.FromSeconds(wait)
    return _value(command_service_pb2_grpc.CommandServiceStub(channel).ReadNow(request, timeout=wait + 10))


def ping(channel, meters, request_id, purpose, wait=30):
    """{meter: "POWERED", "NO_ANSWER", "UNKNOWN" or None while it has not ended}"""
    stub = command_service_pb2_grpc.CommandServiceStub(channel)
    request = command_service_pb2.PingBatchRequest(meters=meters, request_id=request_id, purpose=purpose)
    request.wait.FromSeconds(wait)
    operation = stub.PingBatch(request, timeout=wait + 10)
    found, page = {}, command_service_pb2.ListTargetsRequest(name=operation.name, page_size=1000)
    while True:
        answer = stub.ListTargets(page, timeout=30)
        for target in answer.targets:
            power = command_service_pb2.PingResult.Power.Name(target.power)
            found[target.meter] = None if power == "POWER_UNSPECIFIED" else power
        if not answer.next_page_token:
            return found
        page.page_token = answer.next_page_token


def watch(channel, name, timeout=60):
    """The operation each time that it has changed, until it has ended."""
    request = command_service_pb2.WatchOperationRequest(name=name)
    yield from map(_value, command_service_pb2_grpc.CommandServiceStub(channel).WatchOperation(request, timeout=timeout))


def _slots(block, channel, qualities):
    quality_of = {}
    for run in block.qualities:
        for slot in range(run.first, run.first + run.count):
            quality_of[slot] = qualities[run.number]
    first = block.first_start.ToDatetime(tzinfo=dt.timezone.utc)
    for slot, mantissa in enumerate(block.mantissas):
        missing = bool(block.missing) and block.missing[slot // 8] >> (slot % 8) & 1
        begin = first + dt.timedelta(seconds=block.length_s * slot)
        quality = quality_of.get(slot)
        yield {
            "name": channel.name,
            "meter": channel.meter,
            "usage_point": channel.usage_point,
            "channel": channel.channel,
            "quantity": types_pb2.Quantity.Name(channel.quantity),
            "unit": channel.unit,
            "start": _text(begin),
            "end": _text(begin + dt.timedelta(seconds=block.length_s)),
            "value": None if missing else format(_decimal(mantissa, block.exponent), "f"),
            "quality": list(quality.codes) if quality else [],
            "vendor_flag": quality.vendor_flag if quality else "",
        }


def _decimal(mantissa, exponent):
    # From its parts: arithmetic of the decimal module would round to the digits of the current context.
    return decimal.Decimal((int(mantissa < 0), tuple(map(int, str(abs(mantissa)))), exponent))


def _text(instant):
    return instant.isoformat().replace("+00:00", "Z")


def refusal(error):
    """What a grpc.RpcError says for a program: {code, reason, fields, nearest, retry_s}."""
    found = {"code": error.code().name, "reason": "", "fields": [], "nearest": "", "retry_s": 0}
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, bad, retry = (error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo())
            if detail.Unpack(info):
                found["reason"], found["nearest"] = info.reason, info.metadata.get("nearest", "")
            elif detail.Unpack(bad):
                found["fields"] = [violation.field for violation in bad.field_violations]
            elif detail.Unpack(retry):
                found["retry_s"] = retry.retry_delay.seconds
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True)
    for name in ("ca", "cert", "key"):
        parser.add_argument(f"--{name}", metavar="PEM", default=os.environ.get(f"AMI_{name.upper()}"))
    what = parser.add_subparsers(dest="what", required=True)
    newest = what.add_parser("latest")
    newest.add_argument("name", nargs="+")
    one = what.add_parser("registers")
    one.add_argument("name")
    one.add_argument("start", nargs="?")
    one.add_argument("end", nargs="?")
    many = what.add_parser("intervals")
    for name in ("name", "start", "end", "purpose"):
        many.add_argument(name)
    now = what.add_parser("read-now")
    for name in ("name", "request_id", "purpose"):
        now.add_argument(name)
    options = parser.parse_args()
    with connect(options.address, options.ca, options.cert, options.key) as channel:
        try:
            if options.what == "latest":
                print(json.dumps(latest(channel, options.name), indent=1))
            elif options.what == "registers":
                print(json.dumps(list(registers(channel, options.name, options.start, options.end)), indent=1))
            elif options.what == "read-now":
                print(json.dumps(read_now(channel, options.name, options.request_id, options.purpose), indent=1))
            else:
                print(json.dumps(list(intervals(channel, options.name, options.start, options.end, options.purpose)), indent=1))
        except grpc.RpcError as error:
            print(json.dumps(refusal(error)), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
