"""The reads of AWS Organizations: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html."""

from recordscan.collect.call import Call, Pages


def _organization(api: str, method: str, purpose: str, *, requires: str, absent: str = "", paged: bool = False) -> Call:
    return Call(
        operation=f"organizations:{api}",
        service="organizations",
        method=method,
        permission=f"organizations:{api}",
        purpose=purpose,
        absent=frozenset(absent.split()),
        pages=Pages(send="NextToken", receive="NextToken", members=(requires,)) if paged else None,
        requires=(requires,),
    )


DESCRIBE_ORGANIZATION = _organization(
    "DescribeOrganization",
    "describe_organization",
    "whether organization policies bind the account",
    requires="Organization",
    absent="AWSOrganizationsNotInUseException",
)
ROOTS = _organization(
    "ListRoots", "list_roots", "which types of organization policies are switched on", requires="Roots", paged=True
)
PARENTS = _organization("ListParents", "list_parents", "the levels above the account", requires="Parents", paged=True)
POLICIES_FOR_TARGET = _organization(
    "ListPoliciesForTarget",
    "list_policies_for_target",
    "organization policies attached to each level",
    requires="Policies",
    paged=True,
)
DESCRIBE_POLICY = _organization("DescribePolicy", "describe_policy", "their text", requires="Policy")
ACCOUNTS = _organization(
    "ListAccounts",
    "list_accounts",
    "accounts of the organization, with `[aws.organization]`",
    requires="Accounts",
    paged=True,
)
ACCOUNTS_FOR_PARENT = _organization(
    "ListAccountsForParent",
    "list_accounts_for_parent",
    "accounts of an organizational unit, with `[aws.organization]`",
    requires="Accounts",
    paged=True,
)
UNITS_FOR_PARENT = _organization(
    "ListOrganizationalUnitsForParent",
    "list_organizational_units_for_parent",
    "organizational units below it, with `[aws.organization]`",
    requires="OrganizationalUnits",
    paged=True,
)
MEMBERS = (ACCOUNTS, ACCOUNTS_FOR_PARENT, UNITS_FOR_PARENT)
"""Asked only where the configuration names the organization."""

CALLS = (DESCRIBE_ORGANIZATION, ROOTS, PARENTS, POLICIES_FOR_TARGET, DESCRIBE_POLICY, *MEMBERS)
