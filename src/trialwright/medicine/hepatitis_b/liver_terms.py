"""Terms of adverse events that name the liver, as MedDRA and investigators write them, in capitals.

The lists are ours and wide: an event that is listed and is none can be seen in the table, one that is missed cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

HEPATIC = (
    r"HEPAT|LIVER|AMINOTRANSFERASE|TRANSAMINAS|BILIRUBIN|JAUNDICE|CHOLESTA|GAMMA.?GLUTAMYL|ALKALINE PHOSPHATASE|"
    r"ASCITES|VARICE|VARICEAL|PORTAL"
)
"""Any event of the liver; the system organ class of the hepatobiliary disorders counts too."""

HEPATITIS = r"HEPATITIS|AMINOTRANSFERASE|TRANSAMINAS|HEPATIC ENZYME|HEPATOTOXICITY|LIVER INJURY"
"""Inflammation of the liver, or its enzymes."""

COMPLICATIONS: Mapping[str, str] = MappingProxyType(
    {
        "ASCITES": r"ASCITES",
        "ENCEPHALOPATHY": r"HEPATIC ENCEPHALOPATHY|HEPATIC COMA|PORTOSYSTEMIC ENCEPHALOPATHY",
        "VARICEAL BLEEDING": r"VARIC.*(H[AE]*MORRHAGE|BLEED|RUPTURE)|(H[AE]*MORRHAGE|BLEED).*VARIC",
        "HEPATORENAL SYNDROME": r"HEPATORENAL",
        "BACTERIAL PERITONITIS": r"PERITONITIS BACTERIAL|BACTERIAL PERITONITIS",
        "JAUNDICE": r"JAUNDICE",
        "DECOMPENSATION": r"HEPATIC DECOMPENSATION|LIVER DECOMPENSATION|DECOMPENSATED (LIVER|CIRRHOSIS)",
    }
)
"""What shows that a cirrhotic liver no longer keeps up (decompensation). Jaundice and the rarer ones count by their name."""

LIVER_FAILURE = r"(HEPATIC|LIVER) FAILURE|FULMINANT HEPATITIS|ACUTE.ON.CHRONIC LIVER|HEPATIC COMA"
"""Failure of the liver, of any speed."""

SHOCK = (
    r"HYPOTENSION|SHOCK|(CARDIAC|HEART) (FAILURE|ARREST)|CIRCULATORY (FAILURE|COLLAPSE)|LOW CARDIAC OUTPUT"
)
OBSTRUCTION = r"BILIARY OBSTRUCTION|BILE DUCT (OBSTRUCTION|STENOSIS)|PORTAL VEIN THROMBOSIS|PORTAL VEIN.*(OCCLUSION|TUMOU?R)"
STEROIDS = r"PREDNISO|DEXAMETHASON|HYDROCORTISON|BETAMETHASON|TRIAMCINOLON|DEFLAZACORT"
"""Systemic steroids by the names of CM; budesonide, which acts in the gut, is none."""
