"""The roster: every vendor that Lockstep speaks to, one folder and one line each."""

from lockstep.driver.contract import Vendor
from lockstep.vendors.nuki import NUKI
from lockstep.vendors.virtual import VIRTUAL

VENDORS: dict[str, Vendor] = {vendor.name: vendor for vendor in (NUKI, VIRTUAL)}
