log_format = "jsno"
