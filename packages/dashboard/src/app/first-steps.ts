/** The commands that empty pages suggest: those that `signet up` prints, too. */
export const FIRST_HOST = "./signet up --hosts 1";
export const FIRST_IMAGE = "glance image-create --name debian --disk-format vhdx --container-format bare --property hw_machine_type=hyperv-gen2 --property os_secure_boot=required --file debian.vhdx";
export const FIRST_SERVER = "nova boot --flavor m1.small --image debian --nic none --poll debian-1";
