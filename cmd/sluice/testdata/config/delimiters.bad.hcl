default_delimiters {
  left = ""
}
