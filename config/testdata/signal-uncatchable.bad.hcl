kill_signal = "SIGKILL"
reload_signal = "SIGSTOP"
