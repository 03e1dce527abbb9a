kill_signal = "SIGHUP"
