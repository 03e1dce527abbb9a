log_level = "wran"
