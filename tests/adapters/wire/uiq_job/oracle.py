#!/usr/bin/env python3
"""The leaves of a SOAP body by xml.etree: first the element's full name, then path=text of each leaf."""
import sys
import xml.etree.ElementTree as ElementTree


def leaves(element, path):
    for child in element:
        here = path + [child.tag.rpartition("}")[2]]
        if len(child):
            leaves(child, here)
        else:
            print("/".join(here) + "=" + (child.text or "").strip())


body = ElementTree.parse(sys.argv[1]).getroot().find("{http://schemas.xmlsoap.org/soap/envelope/}Body")[0]
print(body.tag)
leaves(body, [])
