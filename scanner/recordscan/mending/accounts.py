"""Steps about the AWS account that the scan ran in."""

from recordscan.estate.aws_account import AwsAccount
from recordscan.facts import Json
from recordscan.remedy import Document, Order, Step, by_hand


def account_step(
    account: AwsAccount,
    operation: str,
    does: str,
    order: Order,
    *warnings: str,
    region: str | None = None,
    document: Document | None = None,
    **parameters: Json,
) -> Step:
    """A step about an account.

    Args:
        account: The account.
        operation: Such as `securityhub:EnableSecurityHub`.
        does: A clause without subject and without the account, which is appended.
        order: When it is safe.
        warnings: What it breaks if it is taken blindly.
        region: Region of the service; None where it has none.
        document: The document that it replaces.
        parameters: Those of boto3.
    """
    account_id = account.account_id or by_hand("nothing tells which account it is")
    where = f" in {region}" if region is not None else ""
    return Step(
        operation=operation,
        does=f"{does}: account {account_id}{where}",
        order=order,
        account=account_id,
        region=region,
        parameters=parameters,
        warnings=warnings,
        document=document,
    )
