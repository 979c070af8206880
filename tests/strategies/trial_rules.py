"""The facts, criteria, events, clocks and stopping rules of both trials: rule, where it is judged, the sentence.

NCT07120750 (PRTRAS 001) with its 7 inclusion and 15 exclusion criteria, NCT04294498 with those of its criteria that
public records name; events, clocks and stopping rules as the domain notes define them.
"""

from typing import NamedTuple

from trialwright.protocol.facts import Fact, Scope, make_fact


def _facts() -> dict[str, Fact]:
    facts = [
        *(
            make_fact(name, concept=name)
            for name in ("hbv_dna", "hbsag", "hbsag_quantity", "anti_hbs", "anti_hcv")
        ),
        *(
            make_fact(name, concept=name)
            for name in ("alt", "ast", "alp", "bilirubin", "albumin", "inr", "creatinine")
        ),
        *(make_fact(name, concept=name) for name in ("platelets", "neutrophils", "afp", "ecog", "pd1_cd8")),
        *(
            make_fact(name, concept=name)
            for name in ("ascites", "encephalopathy", "child_pugh", "albi", "sex")
        ),
        *(
            make_fact(name, concept=name)
            for name in ("bclc_stage", "pregnancy_test", "lirads", "lirads_treated")
        ),
        *(make_fact(name, concept=name) for name in ("recist_response", "irecist_response")),
        make_fact(
            "hcc_diagnosis",
            kind="category",
            label="diagnosis of HCC",
            levels=["histology", "imaging", "none"],
        ),
        make_fact(
            "other_cancer",
            kind="category",
            label="other cancer",
            absence="no",
            levels=[
                "cured_basal_cell_carcinoma",
                "cured_squamous_cell_carcinoma",
                "cervical_carcinoma_in_situ",
                "other",
            ],
        ),
        make_fact("breastfeeding", kind="yes or no"),
        make_fact("in_other_trial", kind="yes or no", label="participation in another trial", absence="ask"),
        *(
            make_fact(name, kind="date", once=True, label=label)
            for name, label in (
                ("consent", "consent"),
                ("radical_treatment", "radical treatment"),
                ("time_zero", "time zero"),
            )
        ),
        *(
            make_fact(name, kind="drug")
            for name in ("durvalumab", "entecavir", "chemotherapy", "peginterferon")
        ),
        *(make_fact(name, kind="drug") for name in ("targeted_therapy", "biological_therapy")),
        *(
            make_fact(name, kind="procedure")
            for name in ("liver_transplant", "liver_resection", "liver_ablation")
        ),
        make_fact("liver_mri", kind="procedure", label="liver MRI"),
        make_fact("tumour_assessment", kind="procedure"),
        make_fact("hcc_proven_by_pathology", kind="condition", label="HCC proven by pathology"),
        make_fact("interferon_allergy", kind="condition", label="allergy to interferon"),
        *(
            make_fact(name, kind="condition", absence="no")
            for name in (
                *(
                    "hepatitis_a",
                    "hepatitis_d",
                    "hepatitis_e",
                    "alcoholic_liver_disease",
                    "genetic_liver_disease",
                ),
                *(
                    "drug_induced_liver_disease",
                    "autoimmune_disease",
                    "autoimmune_liver_disease",
                    "psoriasis",
                ),
                *("decompensated_cirrhosis", "epilepsy", "depression", "mania", "schizophrenia", "diabetes"),
                *(
                    "hypertension",
                    "hyperthyroidism",
                    "other_endocrine_disease",
                    "retinopathy",
                    "drug_abuse",
                    "alcoholism",
                ),
            )
        ),
        make_fact("hbv_reactivation", kind="event", label="HBV reactivation"),
        make_fact("hepatitis_flare", kind="event"),
        make_fact("confirmed_progression", kind="event"),
        *(
            make_fact(name, kind="attestation", by="investigator", label=label)
            for name, label in (
                ("survival_over_3_months", "expected survival above 3 months"),
                ("unsuitable_for_interferon", "unsuitable for interferon"),
                ("severe_systemic_disease", "severe disease of heart, lungs, kidneys, brain or blood"),
                ("disease_is_unstable", "the disease is unstable"),
                ("plans_pregnancy", "pregnancy is planned"),
                ("agrees_to_contraception", "contraception is agreed to"),
                ("unsuitable_for_the_study", "unsuitable for the study"),
                ("not_for_locoregional_therapy", "locoregional therapy is not an option"),
                ("intolerable_toxicity", "intolerable toxicity"),
                ("cannot_sign", "the participant cannot sign"),
            )
        ),
        make_fact("informed_consent", kind="attestation", by="study nurse", label="consent was signed"),
        make_fact("guardian_consent", kind="attestation", by="study nurse", label="a guardian has signed"),
    ]
    return {fact.name: fact for fact in facts}


FACTS = _facts()
PERIODS = {"on_treatment": "treatment with durvalumab"}
AT_ANCHOR = Scope(FACTS, PERIODS)


def scope_of(rows_of: str | None) -> Scope:
    return Scope(FACTS, PERIODS, rows_of=rows_of)


class TrialRule(NamedTuple):
    name: str
    text: str
    sentence: str
    rows_of: str | None = None


PRTRAS_INCLUSION = [
    TrialRule(
        "age",
        "age >= 18 years and age <= 70 years",
        "age at the anchor is at least 18 years, and age at the anchor is at most 70 years",
    ),
    TrialRule(
        "hbsag positive",
        "last(hbsag, 90 days) is positive",
        "the last HBsAg within 90 days before the anchor is positive",
    ),
    TrialRule(
        "hcc",
        "had(hcc_proven_by_pathology) and (had(liver_resection) or had(liver_ablation))",
        "HCC proven by pathology was present, and (liver resection was done, or liver ablation was done)",
    ),
    TrialRule(
        "bclc",
        "last(bclc_stage, 90 days before radical_treatment) in (0, A)",
        "the last BCLC stage within 90 days before radical treatment is 0 or A",
    ),
    TrialRule(
        "liver function",
        "score(child_pugh, 28 days) <= 6",
        "the Child-Pugh score from the last results within 28 days before the anchor is at most 6",
    ),
    TrialRule(
        "expected survival",
        "attested(survival_over_3_months)",
        "the investigator attests: expected survival above 3 months",
    ),
    TrialRule(
        "consent",
        "attested(informed_consent) or (attested(cannot_sign) and attested(guardian_consent))",
        "the study nurse attests: consent was signed, or (the investigator attests: the participant cannot sign, and the "
        "study nurse attests: a guardian has signed)",
    ),
]

PRTRAS_EXCLUSION = [
    TrialRule(
        "systemic cancer treatment",
        "had(liver_transplant) or had(chemotherapy) or had(targeted_therapy) or had(biological_therapy)",
        "liver transplant was done, or chemotherapy was given, or targeted therapy was given, or biological therapy was "
        "given",
    ),
    TrialRule(
        "other malignancy",
        "any(other_cancer, ever) not in (cured_basal_cell_carcinoma, cured_squamous_cell_carcinoma, "
        "cervical_carcinoma_in_situ)",
        "any other cancer at any time up to the anchor is not cured_basal_cell_carcinoma, cured_squamous_cell_carcinoma "
        "or cervical_carcinoma_in_situ",
    ),
    TrialRule(
        "interferon",
        "had(interferon_allergy) or attested(unsuitable_for_interferon)",
        "allergy to interferon was present, or the investigator attests: unsuitable for interferon",
    ),
    TrialRule(
        "other liver disease",
        "had(hepatitis_a) or last(anti_hcv, 90 days) is positive or had(hepatitis_d) or had(hepatitis_e) or "
        "had(alcoholic_liver_disease) or had(genetic_liver_disease) or had(drug_induced_liver_disease)",
        "hepatitis a was present, or the last anti-HCV within 90 days before the anchor is positive, or hepatitis d was "
        "present, or hepatitis e was present, or alcoholic liver disease was present, or genetic liver disease was "
        "present, or drug induced liver disease was present",
    ),
    TrialRule(
        "autoimmune disease",
        "had(autoimmune_disease) or had(autoimmune_liver_disease) or had(psoriasis)",
        "autoimmune disease was present, or autoimmune liver disease was present, or psoriasis was present",
    ),
    TrialRule(
        "severe liver dysfunction",
        "score(child_pugh, 28 days) >= 10 or had(decompensated_cirrhosis)",
        "the Child-Pugh score from the last results within 28 days before the anchor is at least 10, or decompensated "
        "cirrhosis was present",
    ),
    TrialRule(
        "renal impairment",
        "last(creatinine, 28 days) > 1.5 ULN",
        "the last creatinine within 28 days before the anchor is above 1.5 times the upper limit of normal",
    ),
    TrialRule(
        "severe systemic disease",
        "attested(severe_systemic_disease)",
        "the investigator attests: severe disease of heart, lungs, kidneys, brain or blood",
    ),
    TrialRule(
        "neuropsychiatric disorder",
        "had(epilepsy) or had(depression) or had(mania) or had(schizophrenia)",
        "epilepsy was present, or depression was present, or mania was present, or schizophrenia was present",
    ),
    TrialRule(
        "unstable disease",
        "(had(diabetes) or had(hypertension) or had(hyperthyroidism) or had(other_endocrine_disease)) and "
        "attested(disease_is_unstable)",
        "(diabetes was present, or hypertension was present, or hyperthyroidism was present, or other endocrine disease "
        "was present), and the investigator attests: the disease is unstable",
    ),
    TrialRule("retinopathy", "had(retinopathy)", "retinopathy was present"),
    TrialRule(
        "substance abuse",
        "had(drug_abuse) or had(alcoholism)",
        "drug abuse was present, or alcoholism was present",
    ),
    TrialRule(
        "pregnancy",
        "sex is female and (last(pregnancy_test, 7 days) is positive or last(breastfeeding, 7 days) is yes or "
        "(attested(plans_pregnancy) and not attested(agrees_to_contraception)))",
        "sex is female, and (the last pregnancy test within 7 days before the anchor is positive, or the last "
        "breastfeeding within 7 days before the anchor is yes, or (the investigator attests: pregnancy is planned, and "
        "the investigator does not attest: contraception is agreed to))",
    ),
    TrialRule(
        "investigator's judgement",
        "attested(unsuitable_for_the_study)",
        "the investigator attests: unsuitable for the study",
    ),
    TrialRule(
        "other trial",
        "last(in_other_trial, 28 days) is yes",
        "the last participation in another trial within 28 days before the anchor is yes",
    ),
]

DURVA_INCLUSION = [
    TrialRule("consent", "attested(informed_consent)", "the study nurse attests: consent was signed"),
    TrialRule(
        "hcc",
        "last(hcc_diagnosis, ever) in (histology, imaging)",
        "the last diagnosis of HCC at any time up to the anchor is histology or imaging",
    ),
    TrialRule(
        "chronic hbv",
        "last(hbsag, 90 days) is positive",
        "the last HBsAg within 90 days before the anchor is positive",
    ),
    TrialRule(
        "active hbv",
        "last(hbv_dna, 28 days) > 2000 IU/mL",
        "the last HBV DNA within 28 days before the anchor is above 2000 IU/mL",
    ),
    TrialRule(
        "stage",
        "last(bclc_stage, 28 days) is C or (last(bclc_stage, 28 days) is B and attested(not_for_locoregional_therapy))",
        "the last BCLC stage within 28 days before the anchor is C, or (the last BCLC stage within 28 days before the "
        "anchor is B, and the investigator attests: locoregional therapy is not an option)",
    ),
]

EVENTS = [
    TrialRule(
        "hbv reactivation",
        "value >= 100 * baseline",
        "the HBV DNA is at least 100 times its baseline",
        rows_of="hbv_dna",
    ),
    TrialRule(
        "hbv reactivation over the value before entecavir",
        "value >= 100 * last(hbv_dna, 28 days before first entecavir)",
        "the HBV DNA is at least 100 times the last HBV DNA within 28 days before the first entecavir",
        rows_of="hbv_dna",
    ),
    TrialRule(
        "hbv reactivation from an undetectable baseline",
        "baseline < 10 IU/mL and value >= 1000 IU/mL",
        "its baseline is below 10 IU/mL, and the HBV DNA is at least 1000 IU/mL",
        rows_of="hbv_dna",
    ),
    TrialRule(
        "hepatitis flare",
        "value >= 3 * baseline and value > 100 U/L",
        "the ALT is at least 3 times its baseline, and the ALT is above 100 U/L",
        rows_of="alt",
    ),
    TrialRule(
        "flare is over",
        "(value < 2 * baseline or value <= 100 U/L) consecutive 2",
        "(the ALT is below 2 times its baseline, or the ALT is at most 100 U/L), in 2 consecutive results",
        rows_of="alt",
    ),
    TrialRule(
        "hbv-associated hepatitis, as registered",
        "had(hbv_reactivation, during on_treatment) and had(hepatitis_flare, during on_treatment)",
        "HBV reactivation occurred during treatment with durvalumab, and hepatitis flare occurred during treatment with "
        "durvalumab",
    ),
    TrialRule(
        "hbv-associated hepatitis, linked in time",
        "had(hbv_reactivation, 84 days) or had(hbv_reactivation, 35 days after anchor)",
        "HBV reactivation occurred within 84 days before the hepatitis flare, or HBV reactivation occurred within 35 days "
        "after the hepatitis flare",
        rows_of="hepatitis_flare",
    ),
    TrialRule(
        "hbv-associated hepatitis, around any reactivation",
        "had(hepatitis_flare, within 28 days of any hbv_reactivation)",
        "hepatitis flare occurred within 28 days before or after any HBV reactivation",
    ),
    TrialRule(
        "virological breakthrough",
        "(value >= 10 * nadir and date >= first entecavir + 3 months) confirmed after 28 days",
        "(the HBV DNA is at least 10 times its lowest value from baseline on, and the date of the HBV DNA is at least 3 "
        "months after the first entecavir), confirmed at the first result 28 days or more later",
        rows_of="hbv_dna",
    ),
    TrialRule(
        "candidate for Hy's law",
        "value >= 3 ULN and any(bilirubin, 30 days after anchor) > 2 ULN and all(alp, 0 days) < 2 ULN",
        "the ALT is at least 3 times the upper limit of normal, and any total bilirubin within 30 days after the ALT is "
        "above 2 times the upper limit of normal, and every alkaline phosphatase on the day of the ALT is below 2 "
        "times the upper limit of normal",
        rows_of="alt",
    ),
    TrialRule(
        "loss of HBsAg",
        "value < 0.05 IU/mL confirmed after 12 weeks",
        "the quantitative HBsAg is below 0.05 IU/mL, confirmed at the first result 12 weeks or more later",
        rows_of="hbsag_quantity",
    ),
    TrialRule(
        "seroconversion",
        "last(hbsag_quantity, 28 days) < 0.05 IU/mL and last(anti_hbs, 28 days) >= 10 mIU/mL",
        "the last quantitative HBsAg within 28 days before the anchor is below 0.05 IU/mL, and the last anti-HBs within 28 "
        "days before the anchor is at least 10 mIU/mL",
    ),
    TrialRule(
        "decline of HBsAg by 1 log",
        "ratio(value) <= 0.1",
        "the ratio to baseline of the quantitative HBsAg is at most 0.1",
        rows_of="hbsag_quantity",
    ),
    TrialRule(
        "AFP response",
        "baseline >= 20 ng/mL and change(value) <= -20 %",
        "its baseline is at least 20 ng/mL, and the change from baseline of the alpha-fetoprotein is at most -20 %",
        rows_of="afp",
    ),
    TrialRule(
        "recurrence", "value in (LR-5, LR-TIV)", "the LI-RADS category is LR-5 or LR-TIV", rows_of="lirads"
    ),
    TrialRule(
        "local progression",
        "value is viable",
        "the LI-RADS treatment response is viable",
        rows_of="lirads_treated",
    ),
    TrialRule(
        "progression", "value is PD", "the RECIST 1.1 overall response is PD", rows_of="recist_response"
    ),
    TrialRule(
        "confirmed progression",
        "value is iCPD",
        "the iRECIST overall response is iCPD",
        rows_of="irecist_response",
    ),
]

CLOCKS = [
    TrialRule(
        "HBV DNA at least monthly",
        "count(hbv_dna, 35 days) >= 1",
        "the number of records of HBV DNA within 35 days before the anchor is at least 1",
    ),
    TrialRule(
        "imaging every 8 to 12 weeks",
        "had(tumour_assessment, 12 weeks)",
        "tumour assessment was done within 12 weeks before the anchor",
    ),
    TrialRule(
        "entecavir start",
        "had(entecavir, within 7 days of first durvalumab)",
        "entecavir was given within 7 days before or after the first durvalumab",
    ),
    TrialRule(
        "entecavir cover",
        "last entecavir >= last durvalumab + 6 months",
        "the last entecavir is at least 6 months after the last durvalumab",
    ),
    TrialRule(
        "dose not too early",
        "count(durvalumab, 24 days) = 1",
        "the number of records of durvalumab within 24 days before the durvalumab is equal to 1",
        rows_of="durvalumab",
    ),
    TrialRule(
        "first MRI in its window",
        "had(liver_mri, within 7 days of time_zero + 12 weeks)",
        "liver MRI was done within 7 days before or after the day 12 weeks after time zero",
    ),
    TrialRule(
        "time zero in its window",
        "time_zero >= radical_treatment and time_zero <= radical_treatment + 12 weeks",
        "time zero is on or after radical treatment, and time zero is at most 12 weeks after radical treatment",
    ),
    TrialRule(
        "safety follow-up",
        "had(hepatitis_flare, 90 days after last durvalumab) or had(hepatitis_flare, since first durvalumab)",
        "hepatitis flare occurred within 90 days after the last durvalumab, or hepatitis flare occurred since the first "
        "durvalumab",
    ),
]

STOPPING = [
    TrialRule(
        "durvalumab until",
        "had(confirmed_progression) or attested(intolerable_toxicity) or count(durvalumab) >= 24",
        "confirmed progression occurred, or the investigator attests: intolerable toxicity, or the number of records of "
        "durvalumab is at least 24",
    ),
    TrialRule(
        "durvalumab held too long",
        "not had(durvalumab, 12 weeks)",
        "durvalumab was not given within 12 weeks before the anchor",
    ),
    TrialRule(
        "peginterferon stop",
        "last(neutrophils, 7 days) < 0.5 x10^9/L or last(platelets, 7 days) < 25 x10^9/L",
        "the last neutrophils within 7 days before the anchor is below 0.5 ×10⁹/L, or the last platelets within 7 days "
        "before the anchor is below 25 ×10⁹/L",
    ),
]

ALL_RULES = [*PRTRAS_INCLUSION, *PRTRAS_EXCLUSION, *DURVA_INCLUSION, *EVENTS, *CLOCKS, *STOPPING]
