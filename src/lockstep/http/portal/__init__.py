"""The page behind a customer portal's link: places, devices and how their codes stand."""
