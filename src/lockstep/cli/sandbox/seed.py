"""What a seeded sandbox begins with, under the names by which test programs of Seam's SDKs ask for it."""

from __future__ import annotations

from lockstep.operations.emulator import EmulatedDevice
from lockstep.operations.offers import login_name
from lockstep.operations.sandboxes import EmulatedAccount
from lockstep.operations.seeding import (
    Beginning,
    Seed,
    SeededAccount,
    SeededGuest,
    SeededOperator,
    SeededSession,
    SeededWorkspace,
)

NAMES = {
    "seed_workspace_1": "seed_workspace_1",
    "seed_workspace_2": "seed_workspace_2",
    "seam_apikey1_token": "seam_apikey1_token",
    "seam_apikey2_token": "seam_apikey2_token",
    "seam_pk1_token": "seam_pk1_token",
    "seam_at1_token": "seam_at1_longtoken",
    "seam_cst1_token": "seam_cst1_token",
    "john_user_id": "john_user_id",
    "john_user_key": "john_user_key",
    "john_user_identifier_key": "john_user_identifier_key",
    "john_user_identity_id": "john_user_identity_id",
    "john_connected_account_id": "john_connected_account_id",
    "jane_connected_account_id": "jane_connected_account_id",
    "john_assa_cs_connected_account_id": "john_assa_cs_connected_account_id",
    "august_device_1": "august_device_1",
    "august_device_2": "august_device_2",
    "ecobee_device_1": "ecobee_device_1",
    "minut_device_1": "minut_device_1",
    "schlage_device_1": "schlage_device_id",
}
"""Name -> id or token. None of them opens anything but a sandbox on loopback."""

_JOHN, _JANE = "john@example.com", "jane@example.com"
_ACCOUNTS = (
    SeededAccount(
        EmulatedAccount(
            login_name("august", _JOHN),
            _JOHN,
            (
                EmulatedDevice(NAMES["august_device_1"], "Front Door", "august"),
                EmulatedDevice(NAMES["august_device_2"], "Back Door", "august"),
                EmulatedDevice(NAMES["ecobee_device_1"], "Thermostat 1", "ecobee", "thermostat"),
                EmulatedDevice(NAMES["minut_device_1"], "Minut Sensor 1", "minut", "noise_sensor"),
            ),
            NAMES["john_connected_account_id"],
        ),
        "sandbox-john",
    ),
    SeededAccount(
        EmulatedAccount(
            login_name("schlage", _JANE),
            _JANE,
            (EmulatedDevice(NAMES["schlage_device_1"], "Bathroom Door", "schlage"),),
            NAMES["jane_connected_account_id"],
        ),
        "sandbox-jane",
    ),
    SeededAccount(
        EmulatedAccount(
            login_name("assa_abloy_credential_service", _JOHN),
            _JOHN,
            account_id=NAMES["john_assa_cs_connected_account_id"],
        ),
        "sandbox-john-credentials",
    ),
)
SEED = Seed(
    workspaces=(
        SeededWorkspace(
            NAMES["seed_workspace_1"],
            "My Workspace",
            NAMES["seam_pk1_token"],
            NAMES["seam_apikey1_token"],
            Beginning(
                _ACCOUNTS,
                (
                    SeededGuest(
                        NAMES["john_user_identity_id"], NAMES["john_user_identifier_key"], "john@example.com"
                    ),
                ),
                (
                    SeededSession(
                        "client_session_1",
                        NAMES["seam_cst1_token"],
                        NAMES["john_user_identifier_key"],
                        NAMES["john_user_identity_id"],
                        (NAMES["john_connected_account_id"],),
                    ),
                ),
            ),
        ),
        SeededWorkspace(
            NAMES["seed_workspace_2"], "Empty Workspace", "seam_pk2_token", NAMES["seam_apikey2_token"]
        ),
    ),
    operators=(
        SeededOperator(
            NAMES["john_user_id"],
            "John",
            _JOHN,
            NAMES["seam_at1_token"],
            NAMES["john_user_key"],
            (NAMES["seed_workspace_1"],),
        ),
    ),
)
