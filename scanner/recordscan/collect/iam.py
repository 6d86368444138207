"""The reads of IAM and STS: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html."""

from recordscan.collect.call import Call, Pages


def _iam(api: str, method: str, purpose: str, absent: str = "", members: str = "", requires: str = "") -> Call:
    return Call(
        operation=f"iam:{api}",
        service="iam",
        method=method,
        permission=f"iam:{api}",
        purpose=purpose,
        absent=frozenset(absent.split()),
        pages=Pages(send="Marker", receive="Marker", members=tuple(members.split())) if members else None,
        requires=(requires,) if requires else tuple(members.split())[:1],
    )


CALLER_IDENTITY = Call(
    operation="sts:GetCallerIdentity",
    service="sts",
    method="get_caller_identity",
    permission=None,
    requires=("Account", "Arn"),
    purpose="the account and identity that the scan runs as",
)
ACCESS_KEY_INFO = Call(
    operation="sts:GetAccessKeyInfo",
    service="sts",
    method="get_access_key_info",
    permission="sts:GetAccessKeyInfo",
    requires=("Account",),
    purpose="the account that a linked access key belongs to",
)

KEY_LAST_USED = _iam(
    "GetAccessKeyLastUsed",
    "get_access_key_last_used",
    "the user behind an access key, and its last use",
    "NoSuchEntity",
    requires="AccessKeyLastUsed",
)
GET_USER = _iam("GetUser", "get_user", "the writer and its permissions boundary", "NoSuchEntity", requires="User")
LIST_ACCESS_KEYS = _iam("ListAccessKeys", "list_access_keys", "the writer's access keys", members="AccessKeyMetadata")

USER_READS = (
    _iam(
        "GetLoginProfile",
        "get_login_profile",
        "whether the writer has a console password",
        "NoSuchEntity",
        requires="LoginProfile",
    ),
    _iam("ListMFADevices", "list_mfa_devices", "its MFA devices", members="MFADevices"),
    _iam("ListSSHPublicKeys", "list_ssh_public_keys", "other credentials of the writer", members="SSHPublicKeys"),
    _iam("ListSigningCertificates", "list_signing_certificates", "the same", members="Certificates"),
    _iam(
        "ListServiceSpecificCredentials",
        "list_service_specific_credentials",
        "the same",
        members="ServiceSpecificCredentials",
    ),
)
"""Asked with UserName."""

USER_POLICIES = _iam("ListUserPolicies", "list_user_policies", "names of inline policies", members="PolicyNames")
USER_POLICY = _iam("GetUserPolicy", "get_user_policy", "one inline policy", "NoSuchEntity", requires="PolicyDocument")
USER_ATTACHED = _iam(
    "ListAttachedUserPolicies", "list_attached_user_policies", "managed policies", members="AttachedPolicies"
)
USER_GROUPS = _iam("ListGroupsForUser", "list_groups_for_user", "groups of the writer", members="Groups")
GROUP_POLICIES = _iam("ListGroupPolicies", "list_group_policies", "their inline policies", members="PolicyNames")
GROUP_POLICY = _iam("GetGroupPolicy", "get_group_policy", "one of them", "NoSuchEntity", requires="PolicyDocument")
GROUP_ATTACHED = _iam(
    "ListAttachedGroupPolicies",
    "list_attached_group_policies",
    "their managed policies",
    members="AttachedPolicies",
)
POLICY = _iam("GetPolicy", "get_policy", "default version of a managed policy", "NoSuchEntity", requires="Policy")
POLICY_VERSION = _iam("GetPolicyVersion", "get_policy_version", "its text", "NoSuchEntity", requires="PolicyVersion")

AUTHORIZATION_DETAILS = _iam(
    "GetAccountAuthorizationDetails",
    "get_account_authorization_details",
    "all users, groups, roles and policies, in account scope or when a credential is not linked by configuration",
    members="UserDetailList GroupDetailList RoleDetailList Policies",
)

ACCOUNT_SUMMARY = _iam(
    "GetAccountSummary", "get_account_summary", "access keys and MFA of the root user", requires="SummaryMap"
)
VIRTUAL_MFA_DEVICES = _iam(
    "ListVirtualMFADevices",
    "list_virtual_mfa_devices",
    "whether the root user's MFA device is a virtual one; asked with AssignmentStatus=Assigned",
    members="VirtualMFADevices",
)
ORGANIZATIONS_FEATURES = _iam(
    "ListOrganizationsFeatures",
    "list_organizations_features",
    "whether the organization manages root credentials; answered in its management account only",
    "OrganizationNotFoundException OrganizationNotInAllFeaturesModeException ServiceAccessNotEnabledException",
    requires="OrganizationId",
)
CREDENTIAL_REPORT = _iam(
    "GetCredentialReport",
    "get_credential_report",
    "when the root user was used, and which users have a console password without MFA; the report must exist",
    requires="Content",
)
PASSWORD_POLICY = _iam(
    "GetAccountPasswordPolicy",
    "get_account_password_policy",
    "what console passwords must be like",
    "NoSuchEntity",
    requires="PasswordPolicy",
)
ACCOUNT_READS = (ACCOUNT_SUMMARY, ORGANIZATIONS_FEATURES, CREDENTIAL_REPORT, PASSWORD_POLICY)
"""Asked of the account, without parameters."""

CALLS = (
    *ACCOUNT_READS,
    VIRTUAL_MFA_DEVICES,
    CALLER_IDENTITY,
    ACCESS_KEY_INFO,
    KEY_LAST_USED,
    GET_USER,
    LIST_ACCESS_KEYS,
    *USER_READS,
    USER_POLICIES,
    USER_POLICY,
    USER_ATTACHED,
    USER_GROUPS,
    GROUP_POLICIES,
    GROUP_POLICY,
    GROUP_ATTACHED,
    POLICY,
    POLICY_VERSION,
    AUTHORIZATION_DETAILS,
)
