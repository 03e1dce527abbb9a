kill_signal = "TERM"
reload_signal = "SIGNOTHING"
