# The manual page and the completion scripts, printed by the program itself and installed where man and the shells look.

function(swiftlet_manual)
  set(folder ${PROJECT_BINARY_DIR}/share)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(
    OUTPUT ${folder}/swiftlet.1 ${folder}/swiftlet.bash ${folder}/_swiftlet ${folder}/swiftlet.fish
    COMMAND swiftlet help --man > ${folder}/swiftlet.1
    COMMAND swiftlet completion bash > ${folder}/swiftlet.bash
    COMMAND swiftlet completion zsh > ${folder}/_swiftlet
    COMMAND swiftlet completion fish > ${folder}/swiftlet.fish
    DEPENDS swiftlet VERBATIM)
  add_custom_target(swiftlet_manual ALL DEPENDS ${folder}/swiftlet.1)

  install(FILES ${folder}/swiftlet.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${folder}/swiftlet.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME swiftlet)
  install(FILES ${folder}/_swiftlet DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${folder}/swiftlet.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endfunction()
