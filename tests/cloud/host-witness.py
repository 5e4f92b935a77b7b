"""Asks a Hyper-V host about its machines through python3-winrm's protocol layer: a WS-Management client that is not ours.

usage: host-witness.py URL USER PASSWORD_FILE WQL
prints one JSON object for each instance: property name -> text, list of texts, or null.
"""
import json
import sys
import uuid
import xml.etree.ElementTree as ET

import winrm

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
}
RESOURCE = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/*"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def envelope(action, url, body):
    return f"""<s:Envelope xmlns:s="{NAMESPACES['s']}" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="{NAMESPACES['w']}" xmlns:n="{NAMESPACES['n']}">
<s:Header><a:Action s:mustUnderstand="true">http://schemas.xmlsoap.org/ws/2004/09/enumeration/{action}</a:Action><a:To>{url}</a:To>
<w:ResourceURI s:mustUnderstand="true">{RESOURCE}</w:ResourceURI><a:MessageID>uuid:{uuid.uuid4()}</a:MessageID>
<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo></s:Header>
<s:Body>{body}</s:Body></s:Envelope>"""


def properties(item):
    found = {}
    for child in item:
        name = child.tag.split("}")[1]
        value = None if child.get(NIL) == "true" else "".join(child.itertext())
        if name in found:
            found[name] = (found[name] if isinstance(found[name], list) else [found[name]]) + [value]
        else:
            found[name] = value
    return found


def main():
    url, user, password_file, wql = sys.argv[1:5]
    with open(password_file, encoding="utf8") as file:
        password = file.read().strip()
    protocol = winrm.Protocol(endpoint=url, transport="basic", username=user, password=password, message_encryption="never", server_cert_validation="ignore")
    query = wql.replace("&", "&amp;").replace("<", "&lt;")
    answer = protocol.send_message(envelope("Enumerate", url, f'<n:Enumerate><w:Filter Dialect="http://schemas.microsoft.com/wbem/wsman/1/WQL">{query}</w:Filter></n:Enumerate>'))
    context = ET.fromstring(answer).find(".//n:EnumerationContext", NAMESPACES)
    while context is not None and context.text:
        answer = protocol.send_message(envelope("Pull", url, f"<n:Pull><n:EnumerationContext>{context.text}</n:EnumerationContext><n:MaxElements>20</n:MaxElements></n:Pull>"))
        root = ET.fromstring(answer)
        for item in root.find(".//n:Items", NAMESPACES) or []:
            print(json.dumps(properties(item)))
        context = root.find(".//n:PullResponse/n:EnumerationContext", NAMESPACES)


main()
