"""The vendor's numbers of time zones (`timezoneId`, 0 to 45), in the order of its Bluetooth API's list."""

from zoneinfo import ZoneInfo

# Source: Nuki Smart Lock API (Bluetooth), "Timezone IDs", developer.nuki.io.
_NAMES = """
Africa/Cairo Africa/Lagos Africa/Maputo Africa/Nairobi
America/Anchorage America/Argentina/Buenos_Aires America/Chicago America/Denver America/Halifax
America/Los_Angeles America/Manaus America/Mexico_City America/New_York America/Phoenix America/Regina
America/Santiago America/Sao_Paulo America/St_Johns
Asia/Bangkok Asia/Dubai Asia/Hong_Kong Asia/Jerusalem Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Riyadh
Asia/Seoul Asia/Shanghai Asia/Tehran Asia/Tokyo Asia/Yangon
Australia/Adelaide Australia/Brisbane Australia/Darwin Australia/Hobart Australia/Perth Australia/Sydney
Europe/Berlin Europe/Helsinki Europe/Istanbul Europe/London Europe/Moscow
Pacific/Auckland Pacific/Guam Pacific/Honolulu Pacific/Pago_Pago
"""
TIME_ZONES = tuple(_NAMES.split())


def zone(time_zone_id: int) -> ZoneInfo:
    """The zone with the vendor's number."""
    return ZoneInfo(TIME_ZONES[time_zone_id])


def number(name: str) -> int:
    """The vendor's number of a zone. Raises ValueError for one that it does not have."""
    return TIME_ZONES.index(name)
