# The demo image's kernel: a program of its own that obeys the Linux boot protocol
# (Documentation/arch/x86/boot.rst) far enough for a boot loader to start it. It writes a
# message on the screen and the first serial port, and halts.
        .code16
        .text
        .globl  _start
_start:
        .org    0x1f1
        .byte   1                       # setup_sects: one sector besides the boot sector
        .word   0                       # root_flags
        .long   32                      # syssize, in 16-byte units: the 512 bytes at the end
        .word   0                       # ram_size
        .word   0xffff                  # vid_mode: normal
        .word   0                       # root_dev
        .word   0xaa55                  # boot_flag
        .org    0x200
        .byte   0xeb, start_of_setup - 1f   # jump
1:      .ascii  "HdrS"
        .word   0x0206                  # version of the protocol
        .long   0                       # realmode_switch
        .word   0                       # start_sys_seg
        .word   kernel_version - 512    # kernel_version, relative to the setup code
        .byte   0                       # type_of_loader
        .byte   1                       # loadflags: LOADED_HIGH
        .word   0x8000                  # setup_move_size
        .long   0x100000                # code32_start
        .long   0                       # ramdisk_image
        .long   0                       # ramdisk_size
        .long   0                       # bootsect_kludge
        .word   0                       # heap_end_ptr
        .byte   0, 0                    # ext_loader_ver, ext_loader_type
        .long   0                       # cmd_line_ptr
        .long   0x7fffffff              # initrd_addr_max
        .long   0                       # kernel_alignment
        .byte   0, 0                    # relocatable_kernel, min_alignment
        .word   0                       # xloadflags
        .long   255                     # cmdline_size

start_of_setup:                         # CS is 0x20 paragraphs past the boot sector
        cld
        movw    %cs, %ax
        movw    %ax, %ds
        movw    $(message - 512), %si
next:   lodsb
        testb   %al, %al
        jz      stop
        movb    %al, %bl
        movb    $0x0e, %ah              # BIOS: write a character on the screen
        movb    %bl, %al
        pushw   %si
        xorw    %bx, %bx
        int     $0x10
        popw    %si
        movw    $0x3f8, %dx             # and on the first serial port
        outb    %al, %dx
        jmp     next
stop:   cli
        hlt
        jmp     stop

message:
        .asciz  "\r\nkairos-netboot demo: kernel and initrd are loaded.\r\n"
kernel_version:
        .asciz  "0.1.0-demo (kairos-netboot demo image)"
        .org    0x400
        .fill   512, 1, 0               # the protected-mode kernel, which is never entered
