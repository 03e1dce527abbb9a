syslog {
  facility = "local0"
}
