from imcodec_cli import main

main()
