log_file {
  path                 = "x"
  log_rotate_bytes     = -1
  log_rotate_duration  = "-1s"
  log_rotate_max_files = -2
}
syslog {
  facility = "LOCAL9"
}
