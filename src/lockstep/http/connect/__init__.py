"""The page behind a connect webview's link: somebody chooses a vendor and enters the credentials of their account."""
