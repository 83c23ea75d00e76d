"""The IANA names of the vendor's numbered time zones."""

# Numbered from 0; 65535 is none. Source: Nuki Smart Lock API (Bluetooth) 2.2.1, appendix "Time zone ids",
# developer.nuki.io, where `timezoneId` of the Web API's Smartlock.Config points (read 2026-11-20).
_NAMES = (
    "Africa/Cairo",
    "Africa/Lagos",
    "Africa/Maputo",
    "Africa/Nairobi",
    "America/Anchorage",
    "America/Argentina/Buenos_Aires",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Los_Angeles",
    "America/Manaus",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Regina",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Asia/Bangkok",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jerusalem",
    "Asia/Karachi",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Riyadh",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Asia/Yangon",
    "Australia/Adelaide",
    "Australia/Brisbane",
    "Australia/Darwin",
    "Australia/Hobart",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Europe/London",
    "Europe/Moscow",
    "Pacific/Auckland",
    "Pacific/Guam",
    "Pacific/Honolulu",
    "Pacific/Pago_Pago",
)


def zone_name(time_zone_id: int | None) -> str | None:
    """The name of a zone by its number; None for no number and for one that is not in the list."""
    if time_zone_id is None or not 0 <= time_zone_id < len(_NAMES):
        return None
    return _NAMES[time_zone_id]
