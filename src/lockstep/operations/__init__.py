"""What may be asked of Lockstep: one public function per verb, one file per noun."""
