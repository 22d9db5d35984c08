"""A night as a JUnit report: a test case for each arm and metric."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from slalom.regression.gate import Answer
from slalom.regression.page import counted, difference, sentence

if TYPE_CHECKING:
    from slalom.regression.night import Night


def junit(night: Night) -> str:
    """XML: a regression is a failure, an undecided metric is skipped, the rest passes with what was found."""
    answers = [finding.answer for finding in night.findings]
    suite = ET.Element(
        "testsuite",
        name=f"slalom regress {night.baseline.study}",
        tests=str(len(answers)),
        failures=str(answers.count(Answer.REGRESSED)),
        skipped=str(answers.count(Answer.UNDECIDED)),
        errors="0",
    )
    for finding in night.findings:
        name = f"{finding.arm}: {finding.metric}"
        case = ET.SubElement(suite, "testcase", classname=f"slalom.{night.baseline.study}", name=name)
        found = f"{finding.answer}: {difference(finding)}, {counted(finding)}"
        if finding.answer is Answer.REGRESSED:
            ET.SubElement(case, "failure", message=found).text = sentence(night)
        elif finding.answer is Answer.UNDECIDED:
            ET.SubElement(case, "skipped", message=found)
        else:
            ET.SubElement(case, "system-out").text = found
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
