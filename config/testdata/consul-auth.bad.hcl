consul {
  auth = ":planted-password"
}
